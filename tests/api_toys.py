"""A completions server on this machine with a real model behind it, and ways that it goes wrong."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

Reply = dict[str, Any]


class Completions:
    """The part of the protocol that lm-eval uses: prompts of token ids, echo and logprobs."""

    def __init__(self, checkpoint: Any) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(checkpoint).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self.lock = threading.Lock()

    def choice(self, prompt: list[int] | str, place: int) -> Reply:
        """Return the log-probability of each token of a prompt, and of the likeliest next one."""
        ids = self.tokenizer(prompt)["input_ids"] if isinstance(prompt, str) else prompt
        with self.lock, torch.no_grad():
            logits = self.model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        ids = [*ids, int(logits[-1].argmax())]
        values = [None, *(float(logits[at, ids[at + 1]]) for at in range(len(ids) - 1))]
        best = [None, *({"top": float(row.max())} for row in logits)]
        return {"index": place, "logprobs": {"token_logprobs": values, "top_logprobs": best}}


def ignores_echo(reply: Reply) -> Reply:
    return _each(reply, lambda values: values[-1:])


def is_constant(reply: Reply) -> Reply:
    return _each(reply, lambda values: [None, *(-1.5 for _ in values[1:])])


def sees_no_context(reply: Reply) -> Reply:
    # The same whatever comes before: here by the place from the end.
    return _each(reply, lambda values: [None, *(-1.0 - i for i in range(len(values) - 1))][::-1])


def adds_a_token_before(reply: Reply) -> Reply:
    return _each(reply, lambda values: [None, *values])


def gives_no_next_token(reply: Reply) -> Reply:
    return _each(reply, lambda values: values[:-1])


def is_positive(reply: Reply) -> Reply:
    return _each(reply, lambda values: [v and -v for v in values])


def is_not_a_number(reply: Reply) -> Reply:
    return _each(reply, lambda values: [v and float("nan") for v in values])


def gives_no_logprobs(reply: Reply) -> Reply:
    return {"choices": [{**choice, "logprobs": None} for choice in reply["choices"]]}


def answers_one_prompt_only(reply: Reply) -> Reply:
    return {"choices": reply["choices"][:1]}


def answers_nothing(reply: Reply) -> Reply:
    return {"choices": []}


def answers_something_else(reply: Reply) -> Reply:
    return {"error": {"message": "overloaded"}}


def _each(reply: Reply, change: Callable[[list[Any]], list[Any]]) -> Reply:
    """Change the log-probabilities of every choice; as many of the likeliest stand beside them."""
    choices = []
    for choice in reply["choices"]:
        values = change(choice["logprobs"]["token_logprobs"])
        beside = [{"top": 0.0} for _ in values]
        logprobs = {"token_logprobs": values, "top_logprobs": beside}
        choices.append({**choice, "logprobs": logprobs})
    return {"choices": choices}


@contextmanager
def serve(
    completions: Completions, change: Callable[[Reply], Reply] | int, port: int = 0
) -> Iterator[str]:
    """Serve on a port (0: a free one); a number in place of a change is every answer's status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if isinstance(change, int):
                key = self.headers.get("Authorization")
                self.send_response(change)
                self.end_headers()
                self.wfile.write(f"not allowed: {key}".encode())
                return
            prompts = body["prompt"]
            prompts = prompts if isinstance(prompts[0], list | str) else [prompts]
            reply = {"choices": [completions.choice(p, i) for i, p in enumerate(prompts)]}
            text = json.dumps(change(reply)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/completions"
    finally:
        server.shutdown()
        server.server_close()
