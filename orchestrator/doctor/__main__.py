"""`python -m orchestrator.doctor`: the same where the command itself does not start.

It needs no package at all: any Python 3.11 or 3.12, in the folder of the project.
"""

import asyncio
import sys

from orchestrator.doctor.examine import examine
from orchestrator.doctor.finding import as_table, is_wrong

if __name__ == "__main__":
    findings = asyncio.run(examine())
    print(as_table(findings))
    sys.exit(is_wrong(findings))
