"""The table of findings, the same for every command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.tables import Table


def findings(result: Mapping[str, Any]) -> list[Table]:
    """A table of the findings; none where there are none."""
    rows = [(each["severity"], each["rule"], each["message"], each["fix"]) for each in result["findings"]]
    return [Table("Findings", ("severity", "rule", "finding", "fix"), rows)] if rows else []
