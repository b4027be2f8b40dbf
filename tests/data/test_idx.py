"""One reader for IDX files, raw or gzipped, and what it says of damaged ones."""

import gzip
import struct

import pytest
import torch

from qurvature.data import DataError, Dataset
from qurvature.data.idx import Idx, read_idx


def idx(array: torch.Tensor) -> bytes:
    """The bytes of an unsigned-byte array."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.to(torch.uint8).numpy().tobytes()


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (6, 4, 3), generator=generator)


@pytest.fixture
def folder(tmp_path, images):
    """A folder as npm's MNIST has it: train raw, test gzipped."""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(torch.tensor([0, 1, 2, 0, 1, 2])))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[:2])))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(torch.tensor([2, 1]))))
    return tmp_path


def test_raw_and_gzipped_files_give_the_same_task(folder, images):
    split = Idx(folder=str(folder)).load()
    assert split.shape == (1, 4, 3)
    assert split.classes == 3
    assert torch.equal(split.train_x, images.flatten(1).float() / 255)
    assert torch.equal(split.test_x, split.train_x[:2])
    assert split.test_y.tolist() == [2, 1]


def test_a_torchvision_cache_is_read_alike(folder, tmp_path):
    cache = tmp_path / "cache"
    (cache / "FashionMNIST").mkdir(parents=True)
    raw = cache / "FashionMNIST" / "raw"
    raw.mkdir()
    for file in folder.glob("*-ubyte*"):
        file.rename(raw / file.name.replace("-idx", ".idx"))
    assert len(Idx(folder=str(cache)).load().train_x) == 6


def test_the_variable_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv("QURVATURE_IDX_FOLDER", str(folder))
    assert len(Dataset.named("idx")().load().train_x) == 6


def test_fewer_samples_can_be_asked_for(folder):
    assert len(Idx(folder=str(folder), samples=4).load().train_x) == 4
    with pytest.raises(DataError, match="samples: expected 0 to 6, given 7"):
        Idx(folder=str(folder), samples=7).load()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:-1], r"truncated: an array of shape \(6,\) takes 14 bytes, given 13"),
        (lambda b: b + b"\0", r"longer than its header says"),
        (lambda b: b"\1" + b[1:], r"not an IDX file: expected two zero bytes.*given 01 00 08 01"),
        (lambda b: b[:2] + b"\7" + b[3:], r"not an IDX file.*given 00 00 07 01"),
        (lambda b: b[:6], r"truncated: expected a header of 8 bytes, given 6"),
        (lambda b: b"", r"truncated: expected a header of 4 bytes, given 0"),
        (lambda b: gzip.compress(b)[:-9], r"the gzip stream is damaged or truncated"),
        (lambda b: gzip.compress(b)[:10] + b"xx" * 9, r"the gzip stream is damaged or truncated"),
    ],
)
def test_a_damaged_file_is_named(folder, damage, message):
    file = folder / "train-labels-idx1-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataError, match=message) as error:
        Idx(folder=str(folder)).load()
    assert str(file) in str(error.value)


def test_sizes_must_match(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(torch.tensor([0, 1])))
    with pytest.raises(DataError, match=r"sizes differ: 6 images in .*, 2 labels in"):
        Idx(folder=str(folder)).load()


def test_dimensions_must_match(folder):
    (folder / "train-images-idx3-ubyte").write_bytes(idx(torch.zeros(6, 4)))
    with pytest.raises(DataError, match=r"expected three dimensions, given \(6, 4\)"):
        Idx(folder=str(folder)).load()


def test_a_missing_file_says_what_was_looked_for(folder):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"no file t10k-labels-idx1-ubyte; looked for .*\.gz"):
        Idx(folder=str(folder)).load()


def test_a_missing_folder_says_how_to_name_one(tmp_path):
    with pytest.raises(DataError, match=r"no such folder.*--set data.folder=DIR"):
        Idx(folder=str(tmp_path / "none")).load()


def test_wider_types_are_big_endian(tmp_path):
    file = tmp_path / "wide"
    file.write_bytes(struct.pack(">BBBBI3f", 0, 0, 0x0D, 1, 3, 1.5, -2.0, 1e10))
    assert read_idx(file).tolist() == [1.5, -2.0, 1e10]
