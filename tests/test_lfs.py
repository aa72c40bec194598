"""A file that `git clone` without Git LFS left in place of a large one is recognised."""

from mlbench.data.sources import is_lfs_pointer

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345\n"
)


def test_a_pointer_is_told_from_the_file_it_stands_for(tmp_path):
    path = tmp_path / "train.tsv"
    assert not is_lfs_pointer(path) and not is_lfs_pointer(tmp_path)
    path.write_text(POINTER, encoding="utf-8")
    assert is_lfs_pointer(path)
    path.write_text("index_id\tcategory\ttext\n", encoding="utf-8")
    assert not is_lfs_pointer(path)
    path.write_text(POINTER + "x" * 2000, encoding="utf-8")
    assert not is_lfs_pointer(path)
