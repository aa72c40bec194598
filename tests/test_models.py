"""A model is what its name says: which weights, loaded how, and called what."""

import shutil

import pytest
from huggingface_hub.errors import GatedRepoError

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.errors import ModelError
from mlbench.families import read_families
from mlbench.harness.backend import load_model
from mlbench.models import find_model, find_models, find_revision, fingerprint, with_options
from mlbench.runner.plan import sign_cells
from mlbench.settings import Settings
from mlbench.store.signature import Signature

CPU = Settings(device="cpu")
SERVER = "local-completions:model=m,base_url=http://localhost:8000/v1/completions"


@pytest.mark.parametrize("backend", ["hf", "hf-auto", "huggingface"])
def test_what_an_lm_eval_user_types_first_names_the_same_model(checkpoint, backend):
    assert find_model(f"{backend}:pretrained={checkpoint}") == find_model(str(checkpoint))


def test_a_revision_is_taken_after_an_at_sign_or_as_an_argument():
    typed = find_model("org/name@v1")
    assert (typed.backend, typed.path, typed.revision) == ("hf", "org/name", "v1")
    assert find_model("hf:pretrained=org/name,revision=v1") == typed
    assert find_model("hf:pretrained=org/name,revision=main") == find_model("org/name")


def test_an_argument_that_can_change_a_score_is_part_of_the_name():
    found = find_model("hf:parallelize=True,pretrained=org/name,load_in_4bit=true")
    assert found.name == "org/name [load_in_4bit=True]"
    assert "parallelize=True" in found.arguments  # it is passed on all the same


def test_an_argument_that_mlbench_has_an_option_for_counts_for_its_model_alone(checkpoint):
    found = find_model(f"hf:pretrained={checkpoint},dtype=half,trust_remote_code=true,batch_size=4")
    assert found.name == str(checkpoint)
    settings = with_options(CPU, found)
    assert (settings.dtype, settings.trust_remote_code, settings.batch_size) == (
        "float16",
        True,
        "4",
    )
    assert with_options(CPU, find_model(str(checkpoint))) == CPU
    prepared = [prepare(read_families()["cldr_calendar"], read_languages()["en"])]
    signed = sign_cells(checkpoint, [found], prepared, CPU).cells[0].signature
    assert signed.dtype == "float16"


def test_arguments_of_hf_reach_the_library(checkpoint):
    name = f"hf:pretrained={checkpoint},max_length=77,attn_implementation=eager"
    for engine in ("packed", "hf"):
        loaded = load_model(find_model(name), Settings(device="cpu", engine=engine))
        assert loaded.window == 77
        assert loaded.lm.model.config._attn_implementation == "eager"


def test_an_argument_that_the_library_does_not_know_is_refused(checkpoint):
    with pytest.raises(ModelError, match="load_in_5bit"):
        load_model(find_model(f"hf:pretrained={checkpoint},load_in_5bit=True"), CPU)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("softmax_dtype=float32", "'softmax_dtype' needs --engine hf"),
        ("dtype=int3", "dtype 'int3' is not one of auto, float32, bfloat16, float16"),
    ],
)
def test_an_argument_that_would_not_be_heeded_is_refused(arguments, says):
    with pytest.raises(ModelError, match=says):
        with_options(CPU, find_model(f"hf:pretrained=org/name,{arguments}"))


def test_hf_without_anything_to_load_is_refused():
    with pytest.raises(ModelError, match="Type: --models hf:pretrained=") as refusal:
        find_model("hf:dtype=float32,token=sk-1")
    assert "sk-1" not in str(refusal.value)


@pytest.mark.parametrize(
    "typed",
    [
        "{}",
        "hf:pretrained={}",
        "mlbench:pretrained={}",
        "local-completions:model=x,base_url=http://h/v1",
    ],
)
def test_any_model_is_called_as_one_likes(checkpoint, typed):
    plain = find_model(typed.format(checkpoint))
    named = find_model("my model=" + typed.format(checkpoint))
    assert named.name == "my model" and plain.name != "my model"
    assert (named.backend, named.path) == (plain.backend, plain.path)
    assert fingerprint(named) == fingerprint(plain)


def test_a_folder_with_an_equals_sign_is_a_folder(checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkpoint, "lr=1e-4")
    assert find_model("lr=1e-4").path == str(tmp_path / "lr=1e-4")


@pytest.mark.parametrize(
    "change",
    [
        ",num_concurrent=4",
        ",max_retries=9,timeout=5",
        ",batch_size=8",
        ",auth_token=sk-1",
        "8001",
    ],
)
def test_how_a_server_is_reached_does_not_make_another_model(change):
    other = SERVER.replace("8000", change) if change.isdigit() else SERVER + change
    one, two = find_model(SERVER), find_model(other)
    assert (one.name, one.identity, fingerprint(one)) == (two.name, two.identity, fingerprint(two))
    assert one.arguments != two.arguments


@pytest.mark.parametrize("change", [",max_length=512", ",tokenizer=org/t", ",add_bos_token=True"])
def test_what_can_change_a_score_makes_another_model(change):
    one, two = find_model(SERVER), find_model(SERVER + change)
    assert one.name != two.name and fingerprint(one) != fingerprint(two)


def gated():
    error = GatedRepoError.__new__(GatedRepoError)
    Exception.__init__(error, "401 Client Error. Cannot access gated repo for url")
    return error


def test_a_gated_model_without_a_token_says_what_to_do(monkeypatch, checkpoint):
    says = "is gated, .* https://huggingface.co/meta-llama/Llama-3.1-8B, then type: hf auth login"
    model = find_model("llama-3.1-8b")

    def refuse(*_, **__):
        raise gated()

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    with pytest.raises(ModelError, match=says) as error:
        fingerprint(model)
    assert "\n" not in str(error.value)

    def refuse_files(*_, **__):
        raise OSError("You are trying to access a gated repo.\nMake sure ...") from gated()

    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", refuse_files)
    signed = Signature(weights="commit", dtype="float32")
    with pytest.raises(ModelError, match=says) as error:
        load_model(model, CPU, signed)
    assert "\n" not in str(error.value)


def test_two_models_of_one_name_are_refused(checkpoint):
    assert len(find_models([str(checkpoint), str(checkpoint)])) == 1
    with pytest.raises(ModelError, match="two models are called 'a'. .* --models NAME="):
        find_models([f"a={checkpoint}", "a=org/name"])


def test_a_folder_here_that_is_called_as_a_preset_is_not_taken_for_it(
    checkpoint, tmp_path, monkeypatch
):
    (tmp_path / "qwen2.5-7b").symlink_to(checkpoint)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ModelError, match=r"Type \./qwen2\.5-7b for the folder, or Qwen/Qwen2\.5-7B"
    ):
        find_model("qwen2.5-7b")
    assert find_model("./qwen2.5-7b").path == str(checkpoint.resolve())


def test_an_adapter_and_a_tokenizer_are_part_of_the_weights(checkpoint, tmp_path):
    other = tmp_path / "tokenizer"
    shutil.copytree(checkpoint, other)
    named = f"m=hf:pretrained={checkpoint},tokenizer={other}"
    before = fingerprint(find_model(named))
    assert before.startswith(fingerprint(find_model(str(checkpoint))) + "+")
    (other / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    assert fingerprint(find_model(named)) != before


def test_one_commit_is_pinned_only_where_all_is_loaded_from_it():
    assert find_revision(find_model("org/name"), "commit1") == "commit1"
    both = find_model("hf:pretrained=org/name,peft=org/adapter,revision=v1")
    assert find_revision(both, "commit1+commit2") == "v1"
