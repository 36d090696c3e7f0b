import pytest
import torch

from streamfuse.errors import TrainingError
from streamfuse.train import checkpoint
from tests.train.schooling import CPU


def test_what_is_written_is_read(tmp_path):
    """Tensors and numbers alike; where nothing was written there is nothing."""
    assert checkpoint.read(tmp_path, CPU) is None
    checkpoint.write(tmp_path / "run", {"step": 3, "weights": {"a": torch.ones(2)}})
    kept = checkpoint.read(tmp_path / "run", CPU)
    assert kept is not None
    assert kept["step"] == 3
    assert torch.equal(kept["weights"]["a"], torch.ones(2))
    assert [path.name for path in (tmp_path / "run").iterdir()] == [checkpoint.NAME]


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut short", b"no pickle at all", b"\x80\x02}q\x00h\x05."], ids=["zip", "text", "pickle"])
def test_broken_checkpoint_says_how_to_go_on(tmp_path, content):
    """It names the file."""
    (tmp_path / checkpoint.NAME).write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt cannot be read: .* remove it"):
        checkpoint.read(tmp_path, CPU)
