"""`tokkit demo`."""
import click
@click.command("demo")
def demo_command() -> None:
    """The whole road."""
