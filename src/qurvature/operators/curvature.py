"""Curvature matrices by name: which matrix stands for the second derivative of a block."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from qurvature.objectives import (
    Block,
    Evaluation,
    Linearization,
    NonFiniteError,
    Parameters,
    Part,
    split_of,
)
from qurvature.registry import Extension

from .autograd import GaussNewton, Hessian
from .base import LinearOperator
from .chain import chain
from .closed_form import (
    MOST_ROWS,
    Layer,
    NoClosedForm,
    factored,
    gauss_newton_block,
    layer_hessian,
    layers_of,
)
from .factored import Factored
from .kfac import kronecker_factored
from .output_hessian import output_hessian, output_root, output_slope, sampled_root
from .rows import ExplicitRows


@dataclass(frozen=True)
class Request:
    """What is asked of a curvature: one block of one linearized objective.

    Attributes:
        linearization: the objective at one θ, with the modules of ``layers`` watched.
        block: which parameters.
        layers: the modules behind the block, or the reason why there is no closed form.
        generator: for curvatures that draw.
        samples: draws a data sample, for the Monte-Carlo Fisher.
        dtype: precision of the curvature; that of the parameters if None.
        forward_flops: of one forward pass, for prices.
        verify: compare the closed form with one product through autograd.
    """

    linearization: Linearization
    block: Block
    layers: list[Layer] | NoClosedForm
    generator: torch.Generator | None = None
    samples: int = 1
    dtype: torch.dtype | None = None
    forward_flops: Callable[[], float] = lambda: 0.0
    verify: bool = True

    @property
    def index(self) -> slice | Tensor:
        """Coordinates of the block in the flat vector."""
        return self.linearization.objective.parameters.indices(self.block)

    def closed_layers(self) -> list[Layer]:
        """The layers.

        Raises:
            NoClosedForm: if there are none.
        """
        if isinstance(self.layers, NoClosedForm):
            raise self.layers
        return self.layers


@dataclass(frozen=True, slots=True)
class Built:
    """An operator, why it is not the closed form if it is not, and u with g = Qᵀu if it is known."""

    operator: LinearOperator
    note: str = ""
    gradient_rows: Tensor | None = None


class Curvature(Extension):
    """A named curvature matrix."""

    family = "curvature"

    @classmethod
    @abc.abstractmethod
    def build(cls, request: Request) -> Built:
        """The operator of one block."""


class ExactHessian(Curvature):
    """The Hessian itself, indefinite in general: closed form for a Linear layer, else products."""

    kind = "hessian"

    @classmethod
    def build(cls, request: Request) -> Built:
        """The operator of one block."""
        lin = request.linearization

        def closed() -> LinearOperator:
            layers = request.closed_layers()
            if len(layers) != 1:
                raise NoClosedForm("cross-layer blocks of the exact Hessian have no formula")
            return layer_hessian(lin, layers[0], request.dtype)

        # One cached Hessian product is two backward passes through a graph of three.
        def products() -> LinearOperator:
            return Hessian(lin, 6 * request.forward_flops(), request.index)

        return _closed_or(request, closed, products, lin.hvp)


class GeneralizedGaussNewton(Curvature):
    """JᵀSJ, positive semidefinite for losses convex in the outputs; the default."""

    kind = "ggn"

    @classmethod
    def build(cls, request: Request) -> Built:
        """The operator of one block."""
        lin = request.linearization
        for part in lin.parts():
            split_of(part.evaluation)

        def closed() -> LinearOperator:
            layers = request.closed_layers()
            try:
                return chain(lin, layers, request.dtype)
            except NoClosedForm:  # the more general form follows
                return gauss_newton_block(factored(lin, layers, output_root, request.dtype))

        def products() -> LinearOperator:
            if request.verify:
                _refuse_concave(lin)
            return GaussNewton(lin, 5 * request.forward_flops(), request.index)

        return _closed_or(request, closed, products, lin.ggn_vp)


class EmpiricalFisher(Curvature):
    """mean_n g_n g_nᵀ over per-sample gradients: cheap, not the Hessian.

    The loss is taken to be a mean over the samples; that of a sum comes out B times too large.
    """

    kind = "empirical_fisher"

    @classmethod
    def build(cls, request: Request) -> Built:
        """The operator of one block."""
        built = _fisher(request, output_slope)
        # A batch of weight w and B samples has rows √w g_n/√B, and g = Σ (w/B) g_n.
        u = [
            torch.full((_batch(part),), (part.weight / _batch(part)) ** 0.5, dtype=torch.float64)
            for part in request.linearization.parts()
        ]
        rows = torch.cat(u).to(built.operator.dtype).to(built.operator.device)
        return Built(built.operator, built.note, rows)


class MonteCarloFisher(Curvature):
    """The Fisher information from random cotangents whose second moment is S."""

    kind = "mc_fisher"

    @classmethod
    def build(cls, request: Request) -> Built:
        """The operator of one block."""
        generator = request.generator
        if generator is None:
            raise ValueError("the Monte-Carlo Fisher draws: pass a torch.Generator")
        return _fisher(request, lambda e: sampled_root(e, request.samples, generator))


class KroneckerFactoredCurvature(Curvature):
    """K-FAC of the generalized Gauss-Newton matrix: one Kronecker product a layer."""

    kind = "kfac"

    @classmethod
    def build(cls, request: Request) -> Built:
        """The operator of one block.

        Raises:
            ValueError: if a layer of the block has no formula; K-FAC has no other form.
        """
        lin = request.linearization
        try:
            exact = factored(lin, request.closed_layers(), output_root, request.dtype)
        except NoClosedForm as reason:
            raise ValueError(
                f"curvature='kfac' needs a formula for every layer, and there is none: {reason}. "
                "Choose 'ggn', or leave these parameters to another param group"
            ) from reason
        approximation = kronecker_factored(exact)
        assert approximation is not None  # a Factored always has one
        return Built(approximation)


def _closed_or(
    request: Request,
    closed: Callable[[], LinearOperator],
    products: Callable[[], LinearOperator],
    reference: Callable[[Tensor], Tensor],
) -> Built:
    """The closed form if there is one and it agrees with autograd, else products, with the reason."""
    try:
        operator = closed()
        if request.verify:
            _verify(request, operator, reference)
    except NoClosedForm as reason:
        own = request.linearization.objective.parameters.dtype
        if request.dtype not in (None, own):
            raise ValueError(
                f"curvature in {request.dtype} needs a closed form, and there is none ({reason}): "
                f"put the model in {request.dtype}"
            ) from reason
        return Built(products(), str(reason))
    return Built(operator)


def _verify(
    request: Request, operator: LinearOperator, reference: Callable[[Tensor], Tensor]
) -> None:
    parameters = request.linearization.objective.parameters
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(operator.n, generator=generator, dtype=parameters.dtype).to(parameters.device)
    whole = torch.zeros(parameters.n, dtype=parameters.dtype, device=parameters.device)
    whole[request.index] = v
    truth = reference(whole)[request.index]
    mine = operator.matvec(v.to(operator.dtype).to(operator.device)).to(truth)
    if not bool(mine.isfinite().all()):
        raise NonFiniteError("the curvature holds NaN or Inf")
    _compare(request, mine, truth)


def _compare(request: Request, mine: Tensor, truth: Tensor) -> None:
    """Raise `NoClosedForm` if a closed form's vector is not autograd's, up to rounding."""
    tolerance = 1e4 * torch.finfo(truth.dtype).eps
    for part in request.linearization.parts():
        outputs = part.evaluation.outputs
        if outputs is not None:  # under autocast both sides carry the rounding of half precision
            tolerance = max(tolerance, 16 * torch.finfo(outputs.dtype).eps)
        break
    scale = float(truth.norm()) + float(mine.norm())
    gap = float((mine - truth).norm())
    if gap > tolerance * scale and scale > 1e-20:
        raise NoClosedForm(
            f"the closed form differs from autograd by {gap / scale:.1g}: a layer is shared, or "
            "samples are coupled"
        )


def _fisher(request: Request, root_of: Callable[[Evaluation], Tensor]) -> Built:
    lin = request.linearization
    for part in lin.parts():
        split_of(part.evaluation)
    roots: list[Tensor] = []  # a random root must be the same for the rows and for their check

    def kept(evaluation: Evaluation) -> Tensor:
        roots.append(root_of(evaluation))
        return roots[-1]

    try:
        operator = factored(lin, request.closed_layers(), kept, request.dtype)
        if request.verify:
            _verify_rows(request, operator, roots)
    except NoClosedForm as reason:
        return Built(_rows_by_autograd(request, root_of), str(reason))
    return Built(operator)


def _verify_rows(request: Request, operator: Factored, roots: list[Tensor]) -> None:
    """Compare Qᵀu with one backward pass, for a random u that tells the samples apart."""
    lin = request.linearization
    generator = torch.Generator().manual_seed(0)
    truth, shares = None, []
    for part, root in zip(lin.parts(), roots, strict=True):
        outputs, _ = split_of(part.evaluation)
        u = torch.randn(root.shape[1], root.shape[0], generator=generator, dtype=root.dtype)
        u = u.to(root.device)
        seed = torch.einsum("kb,bkc->bc", u, root).view_as(outputs).to(outputs.dtype)
        pulled = part.weight**0.5 * lin.pull_back(outputs, seed)[request.index]
        truth = pulled if truth is None else truth + pulled
        shares.append(u)
    assert truth is not None  # there is at least one batch
    mine = operator.factor_adjoint(torch.cat(shares, dim=1).to(operator.dtype).reshape(-1))
    _compare(request, mine.to(truth), truth)


def _refuse_concave(linearization: Linearization) -> None:
    """Raise `NotConvexError` where products alone would not show it; skipped for very wide outputs."""
    for part in linearization.parts():
        outputs, _ = split_of(part.evaluation)
        if outputs[0].numel() <= MOST_ROWS:
            output_hessian(part.evaluation)


def _batch(part: Part) -> int:
    outputs, _ = split_of(part.evaluation)
    return int(outputs.shape[0])


def _rows_by_autograd(request: Request, root_of: Callable[[Evaluation], Tensor]) -> Factored:
    """Rows by one backward pass each: slow and general."""
    parameters = request.linearization.objective.parameters
    groups = []
    for part in request.linearization.parts():
        outputs, _ = split_of(part.evaluation)
        root = root_of(part.evaluation)
        rows = []
        for k in range(root.shape[1]):
            for n in range(root.shape[0]):
                seed = torch.zeros_like(outputs)
                seed[n] = root[n, k].view_as(outputs[n])
                grads = torch.autograd.grad(
                    outputs, parameters.tensors, seed, retain_graph=True, allow_unused=True
                )
                flat = parameters.join(
                    [
                        torch.zeros_like(p) if g is None else g
                        for g, p in zip(grads, parameters.tensors, strict=True)
                    ]
                )
                rows.append(part.weight**0.5 * flat[request.index])
        groups.append(torch.stack(rows).view(root.shape[1], root.shape[0], -1))
    stacked = torch.cat(groups, dim=1)
    rows = Factored([ExplicitRows(stacked.to(request.dtype or stacked.dtype))])
    rows.formation = "rows by autograd"
    return rows


def plan(
    model: torch.nn.Module | None, parameters: Parameters, block: Block
) -> list[Layer] | NoClosedForm:
    """The layers behind a block, or the reason why there is no closed form."""
    try:
        return layers_of(model, parameters, block)
    except NoClosedForm as reason:
        return reason
