"""Several set-ups under one model name are several models, and equal ones are one."""

from itertools import permutations
from pathlib import Path

import pytest
from imports_toys import write_results, xcopa_rows
from test_cli import refused, run_cli
from test_imports_bad import cells, import_folder

from mlbench.store.read import read_run

PLAIN = {"config": {"model_args": {"pretrained": "org/base", "dtype": "bfloat16"}}}


def args(**more):
    return {"config": {"model_args": {"pretrained": "org/base", **more}}}


OTHER = {
    "load_in_4bit=True": args(load_in_4bit=True),
    "peft=org/adapter": {**args(peft="org/adapter")},
    "model_type=vllm": {"config": {"model": "vllm"}},
    "chat_template=0123abcd": {"chat_template_sha": "0123abcd" * 8},
    "system_instruction=0123abcd": {"system_instruction_sha": "0123abcd" * 8},
    "fewshot_seed=7": {"config": {"fewshot_seed": 7}},
    'gen_kwargs={"temperature": "1"}': {"config": {"gen_kwargs": {"temperature": 1}}},
}


@pytest.mark.parametrize("label", OTHER)
def test_another_setup_is_another_model_whatever_the_task(capsys, label):
    write_results(tasks={"xcopa_id": xcopa_rows()})
    write_results(time=2, tasks={"xcopa_sw": xcopa_rows()}, **OTHER[label])
    out = import_folder(capsys)
    assert cells() == {("org/base", "id"), (f"org/base [{label}]", "sw")}
    assert "set-ups of 'org/base' are models of their own" in out
    assert label in read_run("r").models[f"org/base [{label}]"]["note"]


def test_turns_count_only_with_a_chat_template(capsys):
    template = {"chat_template_sha": "0123abcd" * 8}
    write_results(tasks={"xcopa_id": xcopa_rows()}, **template)
    write_results(time=2, tasks={"xcopa_sw": xcopa_rows()}, fewshot_as_multiturn=True, **template)
    import_folder(capsys)
    assert {model for model, _ in cells()} == {"org/base", "org/base [fewshot_as_multiturn=True]"}
    write_results("plain", tasks={"xcopa_id": xcopa_rows()}, model_name="b")
    write_results(
        "plain", time=2, tasks={"xcopa_sw": xcopa_rows()}, model_name="b", fewshot_as_multiturn=True
    )
    import_folder(capsys, "plain")
    assert len({model for model, _ in cells()}) == 3


def test_other_weights_of_one_name_are_another_model(capsys):
    for time, sha in enumerate(("1111111111", "2222222222"), start=1):
        config = {"model_sha": sha}
        write_results(
            time=time,
            tasks={f"xcopa_{'id'[:2] if time == 1 else 'sw'}": xcopa_rows()},
            config=config,
        )
    import_folder(capsys)
    assert cells() == {("org/base", "id"), ("org/base [weights=22222222]", "sw")}


def test_weights_that_are_not_stated_are_those_of_the_others(capsys):
    write_results(tasks={"xcopa_id": xcopa_rows()}, config={"model_sha": "1111"})
    write_results(time=2, tasks={"xcopa_sw": xcopa_rows()})
    import_folder(capsys)
    assert {model for model, _ in cells()} == {"org/base"}


@pytest.mark.parametrize("order", list(permutations(("plain", "four", "both"))))
def test_setups_are_told_apart_against_what_the_run_holds(capsys, order):
    write_results("plain", tasks={"xcopa_id": xcopa_rows()}, **PLAIN)
    write_results("four", time=2, tasks={"xcopa_sw": xcopa_rows()}, **args(load_in_4bit=True))
    both = {"config": {"model_args": "pretrained=org/base,load_in_4bit=True,peft=a/b"}}
    write_results("both", time=3, tasks={"xcopa_sw": xcopa_rows()}, model_name="org/base", **both)
    for folder in order:
        import_folder(capsys, folder)
    assert len({model for model, _ in cells()}) == len(cells()) == 3
    before = cells()
    for folder in reversed(order):
        assert "nothing new" in import_folder(capsys, folder)
    assert cells() == before


@pytest.mark.parametrize(
    "same",
    [
        "pretrained=org/base,dtype=bfloat16",
        "dtype=bfloat16,pretrained=org/base,batch_size=4,device=cuda:1",
        {"dtype": "torch.bfloat16", "pretrained": "org/base", "load_in_4bit": False},
    ],
)
def test_equal_arguments_in_another_form_are_one_model(capsys, same):
    write_results("one", tasks={"xcopa_id": xcopa_rows()}, **PLAIN)
    write_results("two", time=2, tasks={"xcopa_sw": xcopa_rows()}, config={"model_args": same})
    for folder in ("one", "two"):
        import_folder(capsys, folder)
    assert cells() == {("org/base", "id"), ("org/base", "sw")}


def test_a_model_that_mlbench_ran_is_not_joined_by_another_setup(capsys):
    run = ("--models", "demo-polyglot", "--families", "cldr_calendar", "--languages", "en")
    assert run_cli(capsys, "run", *run, "--limit", "8", "--run", "r")[0] == 0
    name = {"model_name": "demo-polyglot"}
    write_results(
        "same",
        tasks={"xcopa_id": xcopa_rows()},
        config={"model_args": "pretrained=demo-polyglot"},
        **name,
    )
    write_results(
        "other",
        tasks={"xcopa_sw": xcopa_rows()},
        config={"model_args": "pretrained=demo-polyglot,load_in_4bit=True"},
        **name,
    )
    import_folder(capsys, "same")
    import_folder(capsys, "other")
    assert cells() == {
        ("demo-polyglot", "en"),
        ("demo-polyglot", "id"),
        ("demo-polyglot [load_in_4bit=True]", "sw"),
    }


def test_a_table_says_nothing_of_a_setup(capsys):
    Path("t.csv").write_text(
        "model,family,language,doc_id,score\norg/base,quiz,en,1,1\norg/base,quiz,en,2,0\n",
        encoding="utf-8",
    )
    assert run_cli(capsys, "import", "csv", "t.csv", "--run", "r")[0] == 0
    write_results(tasks={"xcopa_sw": xcopa_rows()}, **args(load_in_4bit=True))
    import_folder(capsys)
    assert {model for model, _ in cells()} == {"org/base"}


def test_a_cell_from_a_table_is_not_replaced(capsys):
    Path("t.csv").write_text(
        "model,family,language,doc_id,score\norg/base,xcopa_lmeval,sw,0,1\n", encoding="utf-8"
    )
    run_cli(capsys, "import", "csv", "t.csv", "--run", "r")
    write_results(tasks={"xcopa_sw": xcopa_rows()})
    assert "family 'xcopa_lmeval' has metrics" in refused(
        capsys, "import", "lm-eval", "results", "--run", "r"
    )


@pytest.mark.parametrize("revision", ["step9", "refs/pr/3"])
@pytest.mark.parametrize("place", ["config", "arguments"])
def test_a_revision_is_part_of_the_name_wherever_it_is_given(capsys, place, revision):
    config = {"model_revision": revision}
    if place == "arguments":
        config = {"model_args": f"pretrained=org/base,revision={revision}"}
    write_results(tasks={"xcopa_sw": xcopa_rows()}, config=config)
    import_folder(capsys)
    assert cells() == {(f"org/base@{revision}", "sw")}


def test_an_export_of_a_setup_comes_back_as_it_was(capsys):
    write_results(tasks={"xcopa_id": xcopa_rows()})
    write_results(time=2, tasks={"xcopa_sw": xcopa_rows()}, **args(load_in_4bit=True))
    import_folder(capsys)
    before = cells()
    run_cli(capsys, "export", "r", "--format", "lm-eval", "--out", "out")
    code, _, err = run_cli(capsys, "import", "lm-eval", "out", "--run", "again")
    assert code == 0, err
    assert {(cell.model, cell.language) for cell in read_run("again").done} == before


def conditions(capsys) -> str:
    assert run_cli(capsys, "report", "r")[0] == 0
    page = Path("reports/r/index.html").read_text(encoding="utf-8")
    return page[page.index("Same conditions for all") :].split("</details>")[0]


def test_the_page_checks_the_arguments(capsys):
    write_results(tasks={"xcopa_sw": xcopa_rows()}, **PLAIN)
    write_results(
        time=2,
        tasks={"xcopa_sw": xcopa_rows()},
        model_name="c/d",
        config={"model_args": "pretrained=c/d,dtype=bfloat16"},
    )
    import_folder(capsys)
    assert "load_in_4bit" not in conditions(capsys)
    write_results(
        "four",
        tasks={"xcopa_sw": xcopa_rows()},
        model_name="e/f",
        config={"model_args": "pretrained=e/f,load_in_4bit=True"},
    )
    import_folder(capsys, "four")
    found = conditions(capsys)
    assert "load_in_4bit" in found and "none" in found
