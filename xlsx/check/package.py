"""Opens a file that a stranger made: reads its parts within limits, runs nothing in it, follows nothing out of it.

A part is read as a stream and counted, so that a zip that lies about its sizes is caught too. A document type
declaration, which only an attack needs, is refused.
"""

from __future__ import annotations

import posixpath
import time
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

MEGABYTE = 1_000_000
MAX_FILE, MAX_PART, MAX_READ, MAX_PARTS = 50 * MEGABYTE, 80 * MEGABYTE, 160 * MEGABYTE, 3_000
SECONDS = 6.0
PIECE = 1 << 16
SUFFIXES = (".xlsx", ".xlsm", ".xltx", ".xltm")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
SAVE_AS = "open it in your spreadsheet program, save it as Excel workbook (.xlsx), and check that copy"


class Unreadable(Exception):
    """The file cannot be checked; the message says why, and what to do next."""


class Package:
    """The parts of an .xlsx or .xlsm file, each read once and within limits. Raises Unreadable."""

    def __init__(self, path: Path):
        self.read_bytes, self.deadline = 0, time.process_time() + SECONDS
        refuse_what_is_no_workbook(path)
        try:
            self.zip = zipfile.ZipFile(path)
            self.names = {name.lower(): name for name in self.zip.namelist()}
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable(f"{path.name} is damaged ({error}): {SAVE_AS}") from error
        if len(self.names) > MAX_PARTS:
            raise Unreadable(f"{path.name} has {len(self.names):,} parts, {MAX_PARTS:,} at most: {SAVE_AS}")
        if "[content_types].xml" not in self.names:
            raise Unreadable(f"{path.name} is a zip file, but no Excel workbook: {SAVE_AS}")

    def close(self) -> None:
        self.zip.close()

    def has(self, part: str) -> bool:
        return part.lower() in self.names

    def elements(self, part: str) -> Iterator[tuple[str, Element]]:
        """A part's elements, ("start" or "end", element), as they stream past. Raises Unreadable."""
        parser: Any = XMLPullParser(("start", "end"))
        try:
            for piece in self.pieces(part):
                if b"<!DOCTYPE" in piece or b"<!ENTITY" in piece:
                    raise Unreadable(f"it holds a document type declaration, which no program writes: {SAVE_AS}")
                parser.feed(piece)
                yield from parser.read_events()
            parser.close()
        except (ParseError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise Unreadable(f"the part {part} is damaged ({error}): {SAVE_AS}") from error

    def named(self, part: str, *tags: str) -> Iterator[Element]:
        """The whole elements of these names, without their namespace, in a part; none where it is not there."""
        for event, element in self.elements(part) if self.has(part) else ():
            if event == "end" and local(element.tag) in tags:
                yield element

    def pieces(self, part: str) -> Iterator[bytes]:
        """A part's bytes, counted."""
        size = 0
        with self.zip.open(self.names[part.lower()]) as stream:
            while piece := stream.read(PIECE):
                size, self.read_bytes = size + len(piece), self.read_bytes + len(piece)
                if size > MAX_PART or self.read_bytes > MAX_READ:
                    raise Unreadable(f"unpacked, the part {part} is too large to be a learner's table: {SMALLER}")
                if time.process_time() > self.deadline:
                    raise Unreadable(f"reading took over {SECONDS:.0f} seconds: {SMALLER}")
                yield piece

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part points to inside the package: {id: (kind, part)}. Targets outside are left out, never opened."""
        folder, name = posixpath.split(part)
        found = {}
        for each in self.named(posixpath.join(folder, "_rels", name + ".rels"), "Relationship"):
            if each.get("TargetMode") != "External":
                target = each.get("Target", "")
                inside = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found[each.get("Id", "")] = (each.get("Type", "").rsplit("/", 1)[-1], posixpath.normpath(inside))
        return found


SMALLER = "copy the sheet with the table into a new workbook and check that"


def refuse_what_is_no_workbook(path: Path) -> None:
    """Raises Unreadable for what is not there, too large, or known to be something else."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(1 << 20)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror}): is the name right?") from error
    if size > MAX_FILE:
        raise Unreadable(f"{path.name} has {size / MEGABYTE:.0f} MB, {MAX_FILE / MEGABYTE:.0f} at most: {SMALLER}")
    if head.startswith(OLE):
        raise Unreadable(ole_message(path, head))
    if path.suffix.lower() == ".xlsb":
        raise Unreadable(f"{path.name} is a binary workbook (.xlsb): {SAVE_AS}")
    if not head.startswith(b"PK"):
        raise Unreadable(f"{path.name} is {what_it_is(path, head)}, not an Excel workbook: {SAVE_AS}")
    if b"mimetypeapplication/vnd.oasis.opendocument" in head[:200]:
        raise Unreadable(f"{path.name} is an OpenDocument file (.ods): {SAVE_AS}")


def ole_message(path: Path, head: bytes) -> str:
    if ENCRYPTED in head or path.suffix.lower() in SUFFIXES:
        return f"{path.name} is protected by a password: open it, remove the password (File, Info), and save it"
    return f"{path.name} is a workbook of Excel 97-2003 (.xls): {SAVE_AS}"


def what_it_is(path: Path, head: bytes) -> str:
    """In words, for a file that is no zip."""
    if not head.strip():
        return "empty"
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return "a text file, which holds no formulas"
    start = head.lstrip()[:20].lower()
    return "a web page" if start.startswith((b"<!doctype html", b"<html")) else "something else"


@cache
def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]
