"""Reads datagrams, a line of hex each, with pycozmo's frame and packet classes; prints a line of JSON each."""

import json
import sys

from pycozmo.frame import Frame
from pycozmo.image_encoder import ImageDecoder


def plain(value):
    """A field as JSON knows it; an object becomes its fields."""
    if hasattr(value, "__slots__") and not isinstance(value, (int, float, bytes)):
        return {name.lstrip("_"): plain(getattr(value, name)) for name in value.__slots__}
    if isinstance(value, (bytes, bytearray)):
        return list(value)
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    return value


for line in sys.stdin:
    frame = Frame.from_bytes(bytes.fromhex(line.strip()))
    packets = []
    for packet in frame.pkts:
        fields = plain(packet)
        if type(packet).__name__ == "DisplayImage":
            fields["pixels"] = list(ImageDecoder(bytes(packet.image)).decode())
        packets.append({"class": type(packet).__name__, "fields": fields})
    # pycozmo keeps ids one lower than they are written
    print(json.dumps({
        "type": frame.type.name, "first": (frame.first_seq + 1) % 65536, "last": (frame.seq + 1) % 65536,
        "ack": (frame.ack + 1) % 65536, "packets": packets,
    }))
