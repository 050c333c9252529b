"""What the code behind a stage depends on: normal forms, closures, command lines."""

from .closure import Distributions
from .fingerprinter import Fingerprinter, chain_to

__all__ = ["Distributions", "Fingerprinter", "chain_to"]
