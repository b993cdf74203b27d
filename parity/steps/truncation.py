"""Tell whether an encoded image file ends where its format says it must.

OpenCV decodes a JPEG that was cut off and fills the rest with grey, so a half
copied data set trains without a word. The formats' own end marks tell.
"""

import struct

JPEG_START = b"\xff\xd8"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Markers without a length field: TEM and RST0..RST7 (ITU-T T.81, table B.1).
_JPEG_BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}
_JPEG_END = 0xD9


def find_truncation(content: bytes) -> str | None:
    """Say what is missing at the end of `content`, or None when it is whole or of another format.

    Knows JPEG, PNG, WebP and BMP.
    """
    if content.startswith(JPEG_START):
        return None if _jpeg_reaches_end(content) else "the JPEG end marker is missing"
    if content.startswith(PNG_SIGNATURE):
        return None if _png_reaches_end(content) else "the PNG IEND chunk is missing"
    declared = _declared_size(content)
    if declared is not None and len(content) < declared:
        return f"the header declares {declared} bytes, the file has {len(content)}"
    return None


def _jpeg_reaches_end(content: bytes) -> bool:
    position = 2
    while True:
        position = content.find(b"\xff", position)
        if position < 0 or position + 1 >= len(content):
            return False
        marker = content[position + 1]
        if marker == _JPEG_END:
            return True
        if marker == 0xFF:  # fill byte: the marker follows
            position += 1
        elif marker == 0x00 or marker in _JPEG_BARE_MARKERS:  # stuffed byte in a scan
            position += 2
        elif position + 4 > len(content):
            return False
        else:  # a segment with a length; after SOS entropy-coded data follows, scanned as above
            position += 2 + struct.unpack_from(">H", content, position + 2)[0]


def _png_reaches_end(content: bytes) -> bool:
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        position += 12 + length
        if kind == b"IEND":
            return bool(position <= len(content))
    return False


def _declared_size(content: bytes) -> int | None:
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP" and len(content) >= 12:
        return int(struct.unpack_from("<I", content, 4)[0]) + 8
    if content.startswith(b"BM") and len(content) >= 6:
        return int(struct.unpack_from("<I", content, 2)[0])
    return None
