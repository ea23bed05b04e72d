"""The shop's assistant: each test spends tokens, and says so with its marker."""

import subprocess
import sys

import pytest
from shop.assistant import answer, answer_as_it_comes

from pytest_timestamps.tokens.run import TokenRun

pytestmark = pytest.mark.token_run


def test_answer() -> None:
    assert answer("Do you sell teapots?")


@pytest.mark.token_run(max_tokens=1_000)
def test_steps(token_run: TokenRun) -> None:
    with token_run.step("look for a present"):
        answer("What do I give to somebody who has a kettle?")
    with token_run.step("write the card") as step:
        card = answer("Write a card of one line for it.")
        if len(card) > 20:
            step.retry()
            answer("Shorter, please.")


def test_stream() -> None:
    assert "".join(answer_as_it_comes("Tell me all about sieves."))


def test_child(token_run: TokenRun) -> None:
    command = [sys.executable, "-m", "shop.assistant"]
    subprocess.run(command, env=token_run.env(), check=True)
    assert token_run.observed.calls == 1


@pytest.mark.token_run(scope="class")
class TestTalk:
    """One run; each test is a step of it."""

    @pytest.mark.parametrize("question", ["Is tea a soup?", "And is it on sale?"])
    def test_talk(self, question: str) -> None:
        assert answer(question)
