"""`streamfuse.train.boxes`."""

import numpy as np
import pytest

from streamfuse.errors import SourceError
from streamfuse.train.boxes import CLASSES, load_boxes

SIZE = (100, 200)
VOC = """<annotation>
<object><name>{name}</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object>
<object><name>Lamp</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>
</annotation>"""


def test_yolo_text(tmp_path):
    """Shares of the picture become pixels; what sticks out is cut off."""
    path = tmp_path / "1.txt"
    path.write_text("0 0.5 0.5 0.1 0.2\n\n2 0.95 0.5 0.2 0.4\n")
    boxes = load_boxes(path, SIZE)
    assert boxes.names == CLASSES
    assert boxes.classes_N.tolist() == [0, 2]
    assert np.allclose(boxes.boxes_N4, [[90, 40, 110, 60], [170, 30, 200, 70]], atol=1e-4)


@pytest.mark.parametrize("place", ["labels", "."])
def test_a_class_list_renumbers(tmp_path, place):
    """`classes.txt` beside the labels or above says what the numbers mean; classes that nobody here knows are left out."""
    (tmp_path / "labels").mkdir()
    (tmp_path / place / "classes.txt").write_text("lamp\ntruck\nPeople\n")
    path = tmp_path / "labels/1.txt"
    path.write_text("0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n2 0.5 0.5 0.1 0.1\n")
    boxes = load_boxes(path, SIZE)
    assert [boxes.names[index] for index in boxes.classes_N] == ["car", "person"]


@pytest.mark.parametrize(("name", "meant"), [("People", "person"), ("Motorcycle", "bike"), ("Bus", "car")])
def test_voc_xml(tmp_path, name, meant):
    """Pixels from 1, both ends included, become edges from 0; names of M3FD and LLVIP are understood."""
    path = tmp_path / "1.xml"
    path.write_text(VOC.format(name=name))
    boxes = load_boxes(path, SIZE)
    assert boxes.boxes_N4.tolist() == [[10, 20, 40, 60]]
    assert boxes.names[boxes.classes_N[0]] == meant


def test_an_empty_file_is_a_picture_without_objects(tmp_path):
    """No line, no box."""
    (tmp_path / "1.txt").touch()
    assert len(load_boxes(tmp_path / "1.txt", SIZE)) == 0


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.1", "car 0.5 0.5 0.1 0.1", "3 0.5 0.5 0.1 0.1", "-1 0.5 0.5 0.1 0.1"])
def test_a_wrong_line_is_named(tmp_path, line):
    """The error says which line, and what was wanted there."""
    path = tmp_path / "1.txt"
    path.write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(SourceError, match=r"1\.txt, line 2: want class x y width height, classes 0 to 2, got"):
        load_boxes(path, SIZE)


@pytest.mark.parametrize("text", ["<annotation>", "<a><object><name>car</name></object></a>"])
def test_broken_xml_is_an_error(tmp_path, text):
    """So is an object without a box."""
    (tmp_path / "1.xml").write_text(text)
    with pytest.raises(SourceError, match="no Pascal VOC annotation"):
        load_boxes(tmp_path / "1.xml", SIZE)


def test_a_missing_file_is_an_error(tmp_path):
    """Boxes that were promised must be there."""
    with pytest.raises(SourceError, match="boxes cannot be read"):
        load_boxes(tmp_path / "1.txt", SIZE)
