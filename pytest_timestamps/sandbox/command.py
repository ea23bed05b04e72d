"""``pytest-timestamps sandbox``: run the sandbox in the foreground until interrupted."""

from __future__ import annotations

import contextlib

import click

__all__ = ["sandbox"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default=True,
    help="The port; 0 takes any free one.",
)
@click.option(
    "--availability-delay",
    "availability_delay_s",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Seconds until the books show a call.",
)
@click.option(
    "--attribution-lag",
    "attribution_lag_s",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Seconds by which the books put a call later than it was answered.",
)
@click.option(
    "--page-size",
    type=click.IntRange(1),
    default=1440,
    show_default=True,
    help="The most buckets that a usage page holds.",
)
def sandbox(
    host: str, port: int, availability_delay_s: float, attribution_lag_s: float, page_size: int
) -> None:
    """Run an offline, OpenAI-compatible server with books, for trying and testing.

    It answers with canned words, charges nothing, and is reachable from this machine only.
    """
    from .server import Sandbox

    server = Sandbox(host=host, port=port)
    server.core.books.availability_delay_s = availability_delay_s
    server.core.books.attribution_lag_s = attribution_lag_s
    server.core.books.page_size = page_size
    server.bind()
    click.echo("The sandbox is for trying and testing: no model is asked, nothing is charged.")
    click.echo(f"OPENAI_BASE_URL={server.base_url}")
    click.echo(f"OPENAI_API_KEY={server.api_key.value}")
    click.echo(f"OPENAI_API_KEY_ID={server.api_key.id}")
    click.echo(f"OPENAI_ADMIN_KEY={server.admin_key}")
    click.echo(f"Control endpoint: {server.root_url}/sandbox/state. Stop with Ctrl+C.")
    # Ctrl+C is how the sandbox is meant to end.
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
