"""The projects whose suites are run, and which of their functions are decorated.

No function of a suite calls another one of it: self and total time are then the same, and can be
compared with cProfile's cumulative time, which knows nothing of what is decorated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DECORATED", "PROFILED", "Suite"]


@dataclass(frozen=True, slots=True)
class Suite:
    """A requirement, and functions as ``module:qualified.name``.

    ``name`` is that of the distribution and of the package that it holds; ``source`` is the
    folder of its source distribution from which the package is imported.
    """

    name: str
    version: str
    functions: Sequence[str] = ()
    source: str = "src"

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def folder(self) -> str:
        """What the source distribution unpacks to."""
        return f"{self.name}-{self.version}"


DECORATED = (
    Suite(
        "jinja2",
        "3.1.6",
        (
            "jinja2.lexer:Lexer.tokeniter",
            "jinja2.compiler:CodeGenerator.visit_Template",
            "jinja2.environment:Environment._compile",
            "jinja2.environment:Environment.make_globals",
            "jinja2.runtime:LoopContext.__init__",
            "jinja2.nodes:Node.set_environment",
            "jinja2.sandbox:SandboxedEnvironment.is_safe_attribute",
        ),
    ),
    Suite(
        "click",
        "8.1.8",
        (
            "click.core:Context.__init__",
            "click.core:Command.format_options",
            "click.core:Option.__init__",
            "click.formatting:HelpFormatter.write_usage",
            "click.parser:OptionParser.parse_args",
            "click.core:Parameter.get_default",
            "click.utils:make_default_short_help",
        ),
    ),
)
"""Those of which a handful of functions is decorated."""

PROFILED = (*DECORATED, Suite("mistune", "3.1.3"), Suite("sqlparse", "0.5.3", source="."))
"""Those that are profiled as whole packages, undecorated."""
