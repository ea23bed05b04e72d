"""Programs that recording once got wrong, each as small as it can be."""

from __future__ import annotations

from tests.recording.programs import Body, Op

__all__ = ["KNOWN_PROGRAMS"]


def _parse(text: str) -> Body:
    """A program from its operations, one a line, indented below what they are inside."""
    depths = [(len(line) - len(line.lstrip()), line.split()) for line in text.splitlines()]

    def body(start: int, stop: int) -> Body:
        ops, at = [], start
        while at < stop:
            depth, (kind, number) = depths[at]
            end = at + 1
            while end < stop and depths[end][0] > depth:
                end += 1
            ops.append(Op(kind, int(number), body(at + 1, end)))
            at = end
        return tuple(ops)

    return body(0, len(depths))


_TEXTS = {
    "a folded generator is resumed elsewhere": """\
        collect 1
          block 2
            make 8
              yield 1
            next 2
          next 2
    """,
    "a generator is resumed under a collector that is younger": """\
        make 0
          yield 0
          collect 1
            call 2
              tick 1
        next 0
        start 2
        call 1
          start 0
          next 0
    """,
    "a collector in a task inside a collector": """\
        collect 2
          loop 2
            collect 1
              call 0
    """,
    "a generator is closed by another caller": """\
        start 1
        make 8
          yield 1
        call 1
          next 2
        close 2
    """,
    "a collector stops inside recursion": """\
        start 0
        call 0
          block 0
            tick 1
            stop 0
    """,
    "a task repeats the name of what its loop runs in": """\
        start 0
        call 1
          loop 1
            spawn 2
              block 1
                tick 1
    """,
    "mutual recursion across a collector": """\
        start 0
        block 0
          block 2
            call 1
              collect 2
                call 0
                  call 1
                    tick 1
    """,
    "a throw reaches a block before the generator around it": """\
        make 2
          yield 1
          block 1
            yield 1
        start 1
        next 0
        next 0
        throw 0
    """,
    "a throw is caught by an undecorated helper": """\
        make 5
          guard 0
            yield 2
          block 1
            tick 1
        start 1
        next 1
        throw 1
    """,
    "a task started from a block in a recursion": """\
        start 0
        call 0
          loop 0
            block 0
              spawn 0
                await 2
    """,
    "a collector in a task that a coroutine started": """\
        collect 0
          loop 2
            await 2
              spawn 1
                collect 2
                  call 1
    """,
    "two tasks enter one collector": """\
        loop 1
          collect 1
            spawn 1
              collect 1
                sleep 0
            sleep 2
          call 0
    """,
    "a block is suspended beneath an inner collector": """\
        loop 1
          collect 1
            block 2
              collect 2
                spawn 1
                  tick 1
                sleep 2
    """,
    "a task of a task of recursion": """\
        collect 2
          call 2
            call 2
              loop 0
                spawn 2
                  spawn 2
                    call 1
    """,
    "a collector is entered three times and left out of order": """\
        collect 1
          collect 0
            start 1
            start 1
        loop 2
          await 1
    """,
    "a collector goes on after an inner one": """\
        collect 1
          call 2
            collect 0
              make 4
              collect 2
                start 0
            next 1
    """,
    "recording was off while a generator was suspended": """\
        start 0
        make 3
          stop 0
          yield 0
          yield 1
        next 1
        collect 1
          call 0
            next 1
    """,
    "a block is open in a suspended generator at the end": """\
        make 7
          block 1
            yield 0
        start 2
        next 2
    """,
    "a task runs on recursion of what started it": """\
        start 2
        call 0
          call 1
            loop 1
              block 0
                spawn 2
                  await 2
    """,
    "a task runs on recursion that only one collector sees": """\
        start 0
        call 1
          start 1
          loop 0
            await 1
              spawn 0
                call 0
    """,
    "a task runs on recursion above what started it": """\
        start 2
        call 0
          call 1
            block 0
              loop 1
                await 1
                  spawn 2
                    await 2
    """,
    "a collector is entered in a task's recursion": """\
        start 2
        block 2
          loop 2
            await 0
              spawn 1
                await 2
                  collect 0
                    await 1
    """,
    "an exception wakes no generator that only drove another": """\
        start 0
        make 4
          yield 0
          yield 0
        make 0
          next 1
          yield 0
          yield 0
        next 0
        tick 1
        guard 0
          throw 1
        tick 2
        next 0
    """,
    "a generator ends in recursion that is shorter than itself": """\
        make 1
          tick 1
          yield 0
        start 0
        next 0
        block 1
          throw 0
    """,
    "a generator that folded into a block goes on beside it": """\
        start 2
        make 7
          yield 1
        call 1
          start 0
          block 1
            next 2
          next 2
    """,
    "recording stops and starts again within one step of a task": """\
        loop 1
          collect 1
            sleep 0
          collect 2
            block 0
              sleep 2
    """,
    "a task started beneath a block that an inner collector does not see": """\
        collect 2
          loop 2
            block 2
              collect 1
                amanaged 2
                  spawn 1
                    call 0
    """,
    "a generator with a block is closed by what has the block's name": """\
        start 1
        make 2
          block 0
            yield 1
        next 0
        call 0
          close 0
    """,
    "a task outlives the names that it repeats": """\
        start 2
        loop 0
          block 1
            await 2
              spawn 0
                call 2
                  call 1
                    tick 2
    """,
    "a collector of one task waits while another enters its own": """\
        loop 1
          spawn 2
            collect 1
              call 2
          collect 2
            call 0
            sleep 0
    """,
}

KNOWN_PROGRAMS = {name: _parse(text.rstrip()) for name, text in _TEXTS.items()}
