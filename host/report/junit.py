"""What pytest's JUnit file lacks: the class of each failure as the `type` of its element."""

import xml.etree.ElementTree as ET
from pathlib import Path

from host.files import write_atomically

FAILURE_CLASS = "failure_class"  # the property of a test case that names the class
CLASSES = ("FIRMWARE", "LINK", "BOARD", "FLASH", "IDENTITY", "HOST")


def add_types(path: Path) -> int:
    """Give every <failure> and <error> its class as its type.

    It is the case's property `failure_class`, or what the message begins with.

    Returns:
        How many elements were given a type.
    """
    tree = ET.parse(path)
    given = 0
    for case in tree.iter("testcase"):
        classes = [
            element.get("value", "")
            for element in case.iter("property")
            if element.get("name") == FAILURE_CLASS
        ]
        for element in (*case.iter("failure"), *case.iter("error")):
            # What is found when a board is put away comes too late for a property, but says its class first.
            kind = classes[0] if classes else element.get("message", "").partition(":")[0]
            if classes or kind in CLASSES:
                element.set("type", kind)
                given += 1
    write_atomically(path, ET.tostring(tree.getroot(), encoding="utf-8", xml_declaration=True))
    return given
