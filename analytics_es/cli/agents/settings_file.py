"""A settings file of an agent, which lives: read, and written beside itself and renamed, with a copy of before."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from datetime import date
from pathlib import Path

from attrs import frozen

from analytics_es.errors import CannotWrite, NotSettings, SettingsChanged

LARGEST = 4 << 20  # bytes: settings are no larger
PRIVATE = 0o600
BOM = b"\xef\xbb\xbf"


@frozen(kw_only=True)
class SettingsFile:
    """A file of settings as it was read; `content` is None where there is none, `mode` are its permissions."""

    path: Path
    content: bytes | None
    mode: int

    @classmethod
    def read(cls, path: Path) -> SettingsFile:
        """Read it; raises NotSettings where it is no file that can be read."""
        if path.is_symlink():
            raise NotSettings(path=path, problem=f"it is a link to {path.readlink()}, which may be of more than this")
        try:
            told = path.stat()
        except FileNotFoundError:
            return cls(path=path, content=None, mode=PRIVATE)
        except OSError as error:
            raise NotSettings(path=path, problem=error.strerror) from error
        if not stat.S_ISREG(told.st_mode) or told.st_size > LARGEST:
            raise NotSettings(path=path, problem="it is no file of settings")
        try:
            return cls(path=path, content=path.read_bytes(), mode=stat.S_IMODE(told.st_mode))
        except OSError as error:
            raise NotSettings(path=path, problem=f"it cannot be read ({error.strerror})") from error

    @property
    def text(self) -> str:
        """What it says; raises NotSettings."""
        try:
            return (self.content or b"").removeprefix(BOM).decode()
        except UnicodeDecodeError:
            raise NotSettings(path=self.path, problem="it is no text in UTF-8") from None

    def write(self, text: str, *, private: bool, today: date) -> Path | None:
        """Write a text in its place, and return where what stood there is now; None where nothing did.

        Its permissions stay, but that what is `private` is for nobody else to read. Raises CannotWrite,
        SettingsChanged; then all is as before.
        """
        self._check()
        mode = self.mode & ~0o077 if private else self.mode
        bom = BOM if (self.content or b"").startswith(BOM) else b""
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        backup = None
        try:
            _create(beside, bom + text.encode(), mode)
            if self.content is not None:
                backup = self._keep(mode, today)
            if SettingsFile.read(self.path).content != self.content:
                raise SettingsChanged(path=self.path)
            beside.replace(self.path)
        except BaseException as error:
            for path in filter(None, (beside, backup)):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise CannotWrite(path=self.path, problem=error.strerror or error) from error
            raise
        return backup

    def _check(self) -> None:
        if not self.path.parent.is_dir():
            problem = f"there is no folder {self.path.parent}: start the agent once, or name its folder"
            raise CannotWrite(path=self.path, problem=problem)
        if self.content is not None and not (self.mode & stat.S_IWUSR and os.access(self.path, os.W_OK)):
            raise CannotWrite(path=self.path, problem="it is read-only")

    def _keep(self, mode: int, today: date) -> Path:
        """Write what stands there to a new file, named by the day."""
        number = 1
        while True:
            path = self.path.with_name(f"{self.path.name}.{today}{f'-{number}' if number > 1 else ''}.bak")
            try:
                _create(path, self.content or b"", mode)
                return path
            except FileExistsError:
                number += 1


def _create(path: Path, content: bytes, mode: int) -> None:
    """Write a new file, whole and on the disk, that others see no more of than they may."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)
