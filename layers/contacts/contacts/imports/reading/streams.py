"""The bytes of a file, as a stream: read in ranges, and unpacked where they are gzipped. Memory stays flat."""

import zlib
from typing import Final, Protocol

from contacts.core.errors import TemporarilyUnavailable
from contacts.imports.model import Unreadable

GZIP_MAGIC: Final = b"\x1f\x8b"
MAX_UNPACKED_BYTES: Final = 20 * 1024**3
"""What a gzipped file may unpack to: with rows of 2 KB, more than the rows that an import may have."""
MAX_RATIO: Final = 200
"""How much larger than its packed bytes a text may be. (CSV of contacts has 3 to 20, NDJSON up to 60, zeros 1,030.)"""
_RATIO_COUNTS_FROM: Final = 64 * 1024**2
"""Unpacked bytes. Less than that does no harm, whatever its ratio."""
_PACKED_AT_ONCE: Final = 1024 * 1024
_UNPACKED_AT_ONCE: Final = 16 * 1024
"""Packed bytes. Where a gzip member ends, zlib copies those after its end."""
_MEMBERS_COUNT_FROM: Final = 100_000
_SHORTEST_MEMBERS: Final = 1024
"""Unpacked bytes of a gzip member on average, where there are many: beginning one takes longer than unpacking it."""


class ByteSource(Protocol):
    """Bytes that can be read from anywhere: an object in S3, which is the same one all the time."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset` on: `length` of them, fewer only at the end.

        Raises:
            FileReplaced: it is another object than before.
            TemporarilyUnavailable.
        """
        ...


class ByteStream(Protocol):
    """Bytes one after the other."""

    def read(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        ...

    def skip_to(self, offset: int) -> None:
        """Move to this offset of the unpacked text; forwards only."""
        ...

    @property
    def read_bytes(self) -> int:
        """Bytes of the source that are read, packed as they are."""
        ...


class PlainStream:
    """The bytes of a source as they are."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.read_bytes = 0

    def read(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        length = min(most, self._source.size - self.read_bytes)
        if length <= 0:
            return b""
        read = self._source.read(self.read_bytes, length)
        if not read:
            raise TemporarilyUnavailable
        self.read_bytes += len(read)
        return read

    def skip_to(self, offset: int) -> None:
        """Move to this offset."""
        self.read_bytes = offset


class UnzippedStream:
    """The bytes of a gzipped source, unpacked: one gzip member or several, one after the other."""

    def __init__(self, source: ByteSource) -> None:
        self._packed = PlainStream(source)
        self._held = b""
        self._at = 0
        self._member: zlib._Decompress | None = None
        self._members = 0
        self._unpacked = 0

    @property
    def read_bytes(self) -> int:
        """Bytes of the source that are read, packed as they are."""
        return self._packed.read_bytes

    def read(self, most: int) -> bytes:
        """The next unpacked bytes, at most so many; none at the end.

        Raises:
            Unreadable: it is damaged or cut off (`bad_gzip`), or unpacks to more than is read (`unpacks_too_large`).
        """
        read = bytearray()
        while len(read) < most and not self._is_over():
            read += self._unpack(most - len(read))
            self._check_size()
        return bytes(read)

    def _unpack(self, most: int) -> bytes:
        """The next unpacked bytes; none where only a beginning or an end was read."""
        if self._member is None:
            self._member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            self._members += 1
        packed = self._held[self._at : self._at + _UNPACKED_AT_ONCE]
        try:
            read = self._member.decompress(packed, most)
        except zlib.error:
            raise _bad_gzip("is damaged") from None
        left = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        self._at += len(packed) - len(left)
        self._unpacked += len(read)
        if self._member.eof:
            self._member = None
        return read

    def _is_over(self) -> bool:
        """Whether everything is unpacked. Sees to it that there is something to unpack, if not."""
        if self._at < len(self._held) or self._goes_on():
            return self._member is None and self._is_padding()
        if self._member is not None:
            raise _bad_gzip("ends too early; it was not written or sent to its end")
        return True

    def _goes_on(self) -> bool:
        """Read on in the source; what was not unpacked yet is kept. Whether there was something."""
        further = self._packed.read(_PACKED_AT_ONCE)
        self._held, self._at = self._held[self._at :] + further, 0
        return bool(further)

    def _is_padding(self) -> bool:
        """Whether zeros are all that follows, as tapes and some tools add them."""
        if len(self._held) - self._at < len(GZIP_MAGIC):
            self._goes_on()
        if self._held.startswith(GZIP_MAGIC, self._at):
            return False
        while self._at < len(self._held):
            if self._held[self._at :].strip(b"\0"):
                raise _bad_gzip("goes on after its end with something else")
            self._at = len(self._held)
            self._goes_on()
        return True

    def _check_size(self) -> None:
        if self._members > max(_MEMBERS_COUNT_FROM, self._unpacked / _SHORTEST_MEMBERS):
            raise _bad_gzip("is made of too many pieces that hold next to nothing")
        packed = max(self.read_bytes - (len(self._held) - self._at), 1)
        is_bomb = self._unpacked > _RATIO_COUNTS_FROM and self._unpacked > packed * MAX_RATIO
        if is_bomb or self._unpacked > MAX_UNPACKED_BYTES:
            detail = (
                f"The file unpacks to more than {MAX_RATIO} times its size, or more than "
                f"{MAX_UNPACKED_BYTES // 1024**3} GB. Send it in several files."
            )
            raise Unreadable("unpacks_too_large", detail)

    def skip_to(self, offset: int) -> None:
        """Move to this offset of the unpacked text."""
        while self._unpacked < offset:
            if not self.read(min(offset - self._unpacked, _PACKED_AT_ONCE)):
                return


def _bad_gzip(what: str) -> Unreadable:
    return Unreadable("bad_gzip", f"The gzip file {what}. Pack it anew, or send it unpacked.")


def stream_of(source: ByteSource, *, is_gzipped: bool) -> ByteStream:
    """The bytes of a source from its beginning, unpacked."""
    return UnzippedStream(source) if is_gzipped else PlainStream(source)


def first_bytes(stream: ByteStream, most: int) -> bytes:
    """The next bytes of a stream: as many as asked for, unless it ends before."""
    read = bytearray()
    while len(read) < most and (more := stream.read(most - len(read))):
        read += more
    return bytes(read)
