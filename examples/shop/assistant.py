"""Asks a language model on behalf of the shop's customers."""

from collections.abc import Iterator

from openai import OpenAI

from pytest_timestamps import timestamp

MODEL = "gpt-4o-mini"


@timestamp
def answer(question: str) -> str:
    """The assistant's answer, all at once."""
    with OpenAI() as client:
        return client.responses.create(model=MODEL, input=question).output_text


@timestamp
def answer_as_it_comes(question: str) -> Iterator[str]:
    """The assistant's answer, word by word."""
    with OpenAI() as client:
        messages = [{"role": "user", "content": question}]
        for chunk in client.chat.completions.create(model=MODEL, messages=messages, stream=True):
            yield chunk.choices[0].delta.content or ""


if __name__ == "__main__":
    print(answer("Which of the kettles is the quietest?"))
