"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

Config = Annotated[str, Argument(help="A config of the zoo by name, or a path.")]
OtherRoot = Annotated[Path | None, Option(metavar="ROOT", help="Another root of the data set.")]
AsJson = Annotated[bool, Option("--json", help="Print everything as JSON.")]
ReportFolder = Annotated[
    Path | None, Option(help="Write the report into this folder: HTML, Markdown, JSON, JUnit.")
]
