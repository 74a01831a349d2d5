"""Files over HTTP: one that is sent, one that is fetched, each as a stream, whatever its size.

The standard library is all that it needs. Proxies of the environment (`https_proxy`) are used, as everywhere.
"""

import os
import re
from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

LONGEST_SILENCE_S: Final = 60
"""How long the other side may say nothing, or take nothing."""
_PIECE: Final = 1024 * 1024
_TO_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_SAID: Final = 300
"""Characters shown of an answer that nobody expected."""

Progress = Callable[[int], object]
"""Is told of every piece: how many bytes it has."""


class BrokeOff(Exception):
    """Raised when a connection failed: the same may succeed a moment later."""


class FileRefused(Exception):
    """Raised when the other side refused: `status`, and as the message what it says about it."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{said} (HTTP {status})")
        self.status = status


class FileChanged(Exception):
    """Raised when the file is another length than it was announced with."""


class _Announced:
    """The first `size` bytes of a file, told piece by piece as they are read."""

    def __init__(self, file: IO[bytes], size: int, progress: Progress) -> None:
        self._file = file
        self._left = size
        self._progress = progress

    def read(self, length: int = -1) -> bytes:
        """What `http.client` sends next.

        Raises:
            FileChanged: the file ends before.
        """
        data = self._file.read(min(self._left, _PIECE if length < 0 else max(length, _PIECE)))
        if not data and self._left:
            raise FileChanged(f"the file has become shorter: {self._left} bytes are missing")
        self._left -= len(data)
        self._progress(len(data))
        return data


def send_file(url: str, headers: Mapping[str, str], path: Path, size: int, progress: Progress) -> None:
    """PUT a file of `size` bytes to a URL that is signed for exactly so many.

    Raises:
        BrokeOff, FileRefused
        FileChanged: the file is no longer as long as that.
        OSError: the file cannot be read.
    """
    if path.stat().st_size != size:
        raise FileChanged(f"{path} has {path.stat().st_size} bytes now; {size} were announced")
    # urllib would say that it is a form.
    sent = {"Content-Type": "application/octet-stream", **headers, "Content-Length": str(size)}
    with path.open("rb") as file:
        body = _Announced(file, size, progress)
        request = Request(url, data=body, headers=sent, method="PUT")
        with _opened(request):
            pass


def fetch_file(url: str, path: Path, progress: Progress) -> int:
    """Fetch what a URL leads to into a file, which is there only when it is whole. Returns its bytes.

    Raises:
        BrokeOff, FileRefused
        OSError: the file cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.part")
    total = 0
    try:
        # What is in it is about people: for nobody but the user.
        with os.fdopen(os.open(unfinished, _TO_WRITE, 0o600), "wb") as file, _opened(Request(url)) as answer:
            announced = answer.headers.get("Content-Length")
            while piece := _next_of(answer):
                file.write(piece)
                total += len(piece)
                progress(len(piece))
        if announced is not None and int(announced) != total:
            raise BrokeOff(f"{total} of {announced} bytes came")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return total


def _opened(request: Request) -> HTTPResponse:
    """The answer to a request.

    Raises:
        BrokeOff, FileRefused
    """
    try:
        answer: HTTPResponse = urlopen(request, timeout=LONGEST_SILENCE_S)
        return answer
    except HTTPError as error:
        with error:
            if error.code >= 500:
                raise BrokeOff(f"HTTP {error.code}") from error
            raise FileRefused(error.code, _reason(error)) from error
    except (OSError, HTTPException) as error:
        raise BrokeOff(str(getattr(error, "reason", error)) or type(error).__name__) from error


def _next_of(answer: IO[bytes]) -> bytes:
    try:
        return answer.read(_PIECE)
    except (OSError, HTTPException) as error:
        raise BrokeOff(str(error) or type(error).__name__) from error


def _reason(error: HTTPError) -> str:
    """What S3 says: the message in its XML, or the beginning of whatever came."""
    try:
        text = error.read(64 * 1024).decode("utf-8", "replace")
    except (OSError, HTTPException):
        text = ""
    code, message = (re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL) for name in ("Code", "Message"))
    if code and message:
        return f"{code[1]}: {message[1]}"
    return " ".join(text.split())[:_SAID] or error.reason or "no reason given"
