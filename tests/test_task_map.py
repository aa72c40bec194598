"""The names that lm-eval gives its multilingual tasks mean a family and a language, or a reason."""

from pathlib import Path

import pytest

from mlbench.data.languages import read_languages
from mlbench.errors import DataError
from mlbench.families.task_map import read_task_map
from mlbench.imports.targets import Unmapped, find_target

TASK_MAP, LANGUAGES = read_task_map(), read_languages()

# The name of a task of lm-eval 0.4.13, the file below its tasks folder that has it, and its place.
REAL_TASKS = [
    ("belebele_swh_Latn", "belebele/belebele_swh_Latn.yaml", "belebele", "sw"),
    ("belebele_zho_Hant", "belebele/belebele_zho_Hant.yaml", "belebele", "zh-Hant"),
    ("global_mmlu_full_en_law", None, "global_mmlu", "en"),
    (
        "global_mmlu_sw_stem",
        "global_mmlu/default/sw/global_mmlu_sw_stem.yaml",
        "global_mmlu_lite",
        "sw",
    ),
    ("mmlu_prox_zh_law", "mmlu_prox/zh/mmlu_prox_zh_law.yaml", "mmlu_prox", "zh-Hans"),
    ("mmlu_prox_lite_af_law", "mmlu_prox/af/mmlu_prox_lite_af_law.yaml", "mmlu_prox_lite", "af"),
    ("mmmlu_pt_br_virology", "openai-mmmlu/default/mmmlu_pt_br_virology.yaml", "mmmlu", "pt"),
    ("m_mmlu_nb", "okapi/mmlu_multilingual/m_mmlu_nb.yaml", "m_mmlu", "nb"),
    ("arc_uk", "okapi/arc_multilingual/arc_uk.yaml", "m_arc", "uk"),
    ("hellaswag_hy", "okapi/hellaswag_multilingual/hellaswag_hy.yaml", "m_hellaswag", "hy"),
    ("include_base_44_north macedonian_stem", None, "include", "mk"),
    ("include_base_44_french_few_shot_og_stem", None, "include_few_shot_og", "fr"),
    ("xnli_sw", "xnli/xnli_sw.yaml", "xnli", "sw"),
    ("paws_zh", "paws-x/paws_zh.yaml", "paws_x", "zh-Hans"),
    ("xcopa_ht", "xcopa/default_ht.yaml", "xcopa", "ht"),
    ("xstorycloze_my", "xstorycloze/default_my.yaml", "xstorycloze", "my"),
    ("xwinograd_jp", "xwinograd/xwinograd_jp.yaml", "xwinograd", "ja"),
    ("multiblimp_ukr", "multiblimp/multiblimp_ukr.yaml", "multiblimp", "uk"),
    (
        "global_piqa_parallel_cloze_npi_deva",
        "global_piqa/parallel_cloze/npi_deva.yaml",
        "global_piqa_parallel",
        "ne",
    ),
    ("mgsm_direct_bn", "mgsm/direct/mgsm_direct_bn.yaml", "mgsm_direct", "bn"),
    ("mgsm_native_cot_te", "mgsm/native_cot/mgsm_native_cot_te.yaml", "mgsm_native_cot", "te"),
]


@pytest.mark.parametrize(("task", "file", "family", "tag"), REAL_TASKS)
def test_the_names_of_lm_eval_s_own_tasks_are_mapped(task, file, family, tag):
    import lm_eval

    if file:
        text = (Path(lm_eval.__file__).parent / "tasks" / file).read_text(encoding="utf-8")
        assert task in text
    target = find_target(task, {}, TASK_MAP, LANGUAGES)
    assert (target.entry.family, target.language) == (f"{family}_lmeval", tag)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("multiblimp_hbs", "'hbs' is hr, sr, bs; choose one"),
        ("xcopa_qu", "no language of languages.yaml is 'qu' in xcopa"),
        ("xnli_eu", "no language of languages.yaml is 'eu' in xnli"),
        ("belebele_swa_prompt_2", "unknown task"),
        ("hellaswag", "unknown task"),
    ],
)
def test_what_is_not_known_has_a_reason(task, reason):
    with pytest.raises(Unmapped, match=reason):
        find_target(task, {}, TASK_MAP, LANGUAGES)


@pytest.mark.parametrize(
    ("line", "task", "tag"),
    [
        ("quiz_(?P<code>.+): {family: quiz}", "quiz_swh_Latn", "sw"),
        ("quiz_(?P<code>.+): {family: quiz}", "quiz_fil", "tl"),
        ("quiz: {family: quiz, language: iw}", "quiz", "he"),
    ],
)
def test_a_mapping_file_may_use_any_code_of_a_language(tmp_path, line, task, tag):
    (tmp_path / "m.yaml").write_text(line, encoding="utf-8")
    found = find_target(task, {}, read_task_map(tmp_path / "m.yaml"), LANGUAGES)
    assert found.language == tag


@pytest.mark.parametrize(
    "line", ["quiz: {family: quiz, language: no}", "quiz: {family: quiz, codes: no}", "no: {}"]
)
def test_norwegian_needs_quotes_in_a_mapping_file(tmp_path, line):
    (tmp_path / "m.yaml").write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match="YAML reads no as false; write 'no' in quotes"):
        read_task_map(tmp_path / "m.yaml")


def test_a_code_of_two_languages_is_left_out_with_both(tmp_path):
    (tmp_path / "m.yaml").write_text("quiz: {family: quiz, language: zh}", encoding="utf-8")
    with pytest.raises(Unmapped, match="choose 'zh-Hans' or 'zh-Hant'"):
        find_target("quiz", {}, read_task_map(tmp_path / "m.yaml"), LANGUAGES)
