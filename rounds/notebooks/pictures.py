"""PNG pictures of a notebook: their plain bytes, and when two show the same."""

import base64
import binascii
import io
import struct

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Text and time: matplotlib writes its own version there.
_REMARKS = (b"tEXt", b"zTXt", b"iTXt", b"tIME")
# Of 255. The last bits of a float move the grey of an edge by a few at most; a line
# drawn 0.1 points wider moves some pixel by 26, another letter or colour by 200.
_TOLERANCE = 16


def plain(encoded: str) -> str:
    """The base64 text of a PNG without remarks; anything else comes back as it is."""
    try:
        data = base64.b64decode(encoded)
    except binascii.Error:
        return encoded
    if not data.startswith(_SIGNATURE):
        return encoded
    kept, at = [_SIGNATURE], len(_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunk = data[at : at + 12 + length]
        if chunk[4:8] not in _REMARKS:
            kept.append(chunk)
        at += len(chunk)
    return base64.b64encode(b"".join(kept)).decode("ascii")


def is_png(encoded: str) -> bool:
    """True if the base64 text holds a PNG that can be drawn."""
    return _pixels(encoded) is not None


def same_picture(one: str, other: str) -> bool:
    """True if both are PNGs of one size and no pixel differs by more than a hair.

    Bytes are no measure: zlib, the last bit of a float and the machine change them
    without a change that a reader could see. What a reader sees must be equal, so
    that a stale picture is found although nbval compares none.
    """
    from PIL import ImageChops

    first, second = _pixels(one), _pixels(other)
    if first is None or second is None or first.size != second.size:
        return False
    extremes = ImageChops.difference(first, second).getextrema()
    return max(highest for _, highest in extremes) <= _TOLERANCE


def _pixels(encoded: str):
    """The picture as a PIL image of red, green, blue and alpha, or None."""
    # Pillow comes with matplotlib; a course without pictures does not need it.
    from PIL import Image

    try:
        data = base64.b64decode(encoded)
        return Image.open(io.BytesIO(data), formats=["PNG"]).convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        return None
