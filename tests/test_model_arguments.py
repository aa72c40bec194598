"""Arguments that mean the same are the same, and those that cannot change a score do not count."""

import pytest

from mlbench.model_arguments import parse_arguments, score_arguments


def score(arguments) -> dict[str, str]:
    return score_arguments(parse_arguments(arguments))


@pytest.mark.parametrize(
    "same",
    [
        "dtype=bfloat16,pretrained=org/base",
        " pretrained = org/base , dtype = torch.bfloat16 ",
        "pretrained=org/base,torch_dtype=bf16",
        "pretrained=org/base,dtype=bfloat16,batch_size=8,device=cuda:0,num_concurrent=4",
        "pretrained=org/base,dtype=bfloat16,max_retries=9,timeout=60,tensor_parallel_size=2",
        "pretrained=org/base,dtype=bfloat16,revision=main,trust_remote_code=False,peft=None",
        "pretrained='org/base',dtype=bfloat16,auth_token=sk-1,",
        {"pretrained": "org/base", "dtype": "bfloat16"},
        {"dtype": "bfloat16", "pretrained": "org/base", "load_in_4bit": False, "tokenizer": None},
        '{"pretrained": "org/base", "dtype": "bfloat16"}',
        {"pretrained": "org/base", "dtype": "bfloat16", "gpu_memory_utilization": 0.9},
    ],
)
def test_arguments_in_other_order_or_form_are_the_same(same):
    assert score(same) == score("pretrained=org/base,dtype=bfloat16")


@pytest.mark.parametrize(
    "other",
    [
        "load_in_4bit=True",
        "peft=org/adapter",
        "max_length=1024",
        "add_bos_token=True",
        "revision=step9",
        "quantization=awq",
        "tokenizer_backend=None",
        "gguf_file=q4.gguf",
        "base_url=http://b/v1",
        {"chat_template_args": {"thinking": False}},
    ],
)
def test_arguments_that_may_change_a_score_count(other):
    assert score(other) != score("")


def test_values_are_written_in_one_way():
    assert parse_arguments("a=1.0,b=1e-3,c=true,d=007") == parse_arguments(
        {"a": 1, "b": 0.001, "c": True, "d": 7}
    )
    assert parse_arguments('a={"x": 1, "b": [1,2]},c=3') == parse_arguments(
        {"c": 3, "a": {"b": [1, 2], "x": 1}}
    )
    assert parse_arguments(None) == parse_arguments("") == {}


def test_another_port_is_the_same_server():
    assert score("base_url=http://host:8000/v1") == score("base_url=http://host:8001/v1")
    assert score("base_url=http://[::1]:80/v1") == score("base_url=http://[::1]/v1")
