"""A file's text, line by line: where each begins in its bytes, and which lines make up a record."""

from collections.abc import Iterator
from typing import Final

from contacts.imports.model import MAX_ROW_BYTES
from contacts.imports.reading.encodings import CP1252, UTF8, Encoding
from contacts.imports.reading.streams import ByteStream

_BLOCK: Final = 2 * 1024 * 1024
"""Bytes that are read at once."""
_CR, _LF = b"\r\n"


class RecordTooLong(Exception):
    """Raised when the lines of one record have more than `MAX_ROW_BYTES`."""


class Lines(Iterator[str]):
    """The lines of a text with their ends: `\\n`, `\\r\\n` or `\\r`, mixed as they come.

    A record begins with `begin_record`, and has the lines that are read until the next one begins. A line
    that is longer than a record may be comes in pieces.
    """

    def __init__(self, stream: ByteStream, encoding: Encoding, *, line: int = 1) -> None:
        """`stream`: from where the lines begin. `line`: the number of the first."""
        self._stream = stream
        self._encoding = encoding
        self._codec = UTF8 if encoding.is_wide else encoding.name
        self._has_utf8 = encoding.has_utf8
        self._block: Iterator[bytes] = iter(())
        self._rest = b""
        self._cut = b""
        self._is_block_garbled = False
        self.read_bytes = 0
        """Of the text, from where the lines began to the end of the last one that was given."""
        self.next_line = line
        self.has_ended = False
        self.begin_record()

    def begin_record(self) -> None:
        """The next line is the first one of a record."""
        self.record: list[str] = []
        self.record_bytes = 0
        self.record_line = self.next_line
        self.is_garbled = False
        """Whether the record holds bytes that are not in the file's encoding."""

    @property
    def encoding(self) -> Encoding:
        """How the text is written, as far as it is read: one that was all ASCII may turn out to be cp1252."""
        if self._encoding.is_wide:
            return self._encoding
        return self._encoding._replace(name=self._codec, has_utf8=self._has_utf8)

    def __next__(self) -> str:
        """The next line.

        Raises:
            RecordTooLong: with it, the record is too long.
            FileReplaced, TemporarilyUnavailable, Unreadable.
        """
        line = next(self._block, None)
        if line is None:
            self._block = iter(self._read_block())
            line = next(self._block, None)
            if line is None:
                self.has_ended = True
                raise StopIteration
        text = self._decoded(line)
        length = len(text.encode(self._encoding.name)) if self._encoding.is_wide else len(line)
        self.read_bytes += length
        self.record_bytes += length
        if line[-1] == _LF or line[-1] == _CR:
            self.next_line += 1
        if not self.record and text.startswith("\ufeff"):
            # Files that were put one behind another have a byte-order mark each.
            text = text[1:]
        self.record.append(text)
        if self.record_bytes > MAX_ROW_BYTES:
            raise RecordTooLong
        return text

    def _decoded(self, line: bytes) -> str:
        try:
            text = line.decode(self._codec)
        except UnicodeDecodeError:
            if self._codec == UTF8 and self._encoding.is_guessed and not self._has_utf8:
                # Until here the text was ASCII, which is the same in both.
                self._codec = CP1252
                return self._decoded(line)
            self.is_garbled = True
            return line.decode(self._codec, "replace")
        if not self._has_utf8 and not text.isascii():
            self._has_utf8 = True
        if self._is_block_garbled and "\ufffd" in text:
            self.is_garbled = True
        return text

    def _read_block(self) -> list[bytes]:
        """The next lines, at least one unless the text is over."""
        block = self._rest
        while read := self._stream.read(_BLOCK):
            block += self._narrowed(self._cut + read) if self._encoding.is_wide else read
            # `\r` alone may be the first half of a line's end.
            end = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, len(block) - 1) + 1
            if not end and len(block) > MAX_ROW_BYTES:
                end = _before_a_character(block)
            if end:
                self._rest = block[end:]
                return block[:end].splitlines(keepends=True)
        self._rest = b""
        if self._cut:
            # The text ends within a character.
            block += self._decoded_wide(self._cut)
            self._cut = b""
        return block.splitlines(keepends=True)

    def _narrowed(self, read: bytes) -> bytes:
        """UTF-16 and UTF-32 as UTF-8, so that a line's end is a byte. A character that is cut waits for its rest."""
        whole = len(read) - _cut_off(read, self._encoding.name)
        self._cut = read[whole:]
        return self._decoded_wide(read[:whole])

    def _decoded_wide(self, read: bytes) -> bytes:
        name = self._encoding.name
        try:
            text = read.decode(name)
        except UnicodeDecodeError:
            self._is_block_garbled = True
            text = read.decode(name, "replace")
        return text.encode()


def _cut_off(read: bytes, name: str) -> int:
    """Bytes at the end of a text that are the beginning of a character."""
    if name.startswith("utf-32"):
        return len(read) % 4
    odd = len(read) % 2
    high = read[len(read) - odd - (1 if name.endswith("le") else 2) :][:1]
    return odd + (2 if high and 0xD8 <= high[0] <= 0xDB and len(read) - odd >= 2 else 0)


def _before_a_character(block: bytes) -> int:
    """A place near the end of a line's piece at which no character of UTF-8, and no line end, is cut."""
    end = len(block) - 1
    while end > len(block) - 4 and 0x80 <= block[end] < 0xC0:
        end -= 1
    return end
