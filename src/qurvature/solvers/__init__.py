"""Solvers: classical ones that run, quantum ones that count."""

from .base import ClassicalSolver, ClassicalWork, QuantumSolver, Solver

__all__ = ["ClassicalSolver", "ClassicalWork", "QuantumSolver", "Solver"]
