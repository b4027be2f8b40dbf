"""Every curvature against slow independent code: all models × losses × scopes, in float64."""

import pytest
import torch

from qurvature.objectives import MissingSplitError, Objective
from qurvature.operators import Structure
from qurvature.problems import NewtonStep
from qurvature.testing import (
    OBJECTIVES,
    check_operator,
    dense_empirical_fisher,
    dense_gauss_newton,
    dense_hessian,
    dense_kfac,
    objective_case,
)

REFERENCES = {
    "hessian": dense_hessian,
    "ggn": dense_gauss_newton,
    "empirical_fisher": dense_empirical_fisher,
}
SPLIT = [case for case in OBJECTIVES if case.loss.split]


def scopes(objective):
    """Full, a block a layer, and two named blocks whose members are scattered over the layers."""
    names = objective.parameters.names
    odd = {"even": names[::2], "odd": names[1::2]} if len(names) > 1 else {"all": names}
    return ["full", "layer", odd]


def relative_gap(mine, truth):
    return float((mine - truth).abs().max()) / max(float(truth.abs().max()), 1e-300)


def built(objective, kind, scope="full", **options):
    step = NewtonStep(objective, kind, scope, **options)
    linearization = step.linearize(objective)
    return list(zip(step.problems(linearization), step.indices, strict=True))


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("case", OBJECTIVES, ids=lambda case: case.name)
def test_every_block_equals_its_reference(case, kind):
    objective = case.objective()
    if kind != "hessian" and not case.loss.split:
        with pytest.raises(MissingSplitError, match=r"return \(outputs, lambda z"):
            built(objective, kind)
        return
    truth = REFERENCES[kind](objective)
    for scope in scopes(objective):
        for problem, index in built(objective, kind, scope):
            block = truth[index][:, index]
            assert relative_gap(problem.operator.dense(), block) <= 1e-10, (scope, problem.name)
            closed = kind == "ggn" and not case.model.no_closed_form
            assert not closed or problem.note == "", "a wrong formula would give way to autograd"


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("model", ["mlp_tanh", "cnn_same", "token_linear", "embedding", "tied"])
def test_every_operator_obeys_the_laws(model, kind):
    objective = objective_case(model, "hyperbolic").objective()
    truth = REFERENCES[kind](objective)
    for scope in scopes(objective):
        for problem, index in built(objective, kind, scope):
            check_operator(problem.operator, truth[index][:, index], tolerance=1e-10)


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("sizes", [(3, 3), (1, 4, 2)])
@pytest.mark.parametrize("model", ["mlp_tanh", "cnn_strided_dilated", "token_linear", "embedding"])
def test_several_batches_are_one_big_batch(model, kind, sizes):
    case = objective_case(model)
    inputs, targets = case.batch(sum(sizes))
    whole = Objective(case.model.model(), case.loss, (inputs, targets))
    pieces = list(zip(inputs.split(sizes), targets.split(sizes), strict=True))
    parted = Objective(case.model.model(), case.loss, pieces)
    assert parted.n_parts == len(sizes)
    truth = REFERENCES[kind](whole)
    for scope in scopes(parted):
        for problem, index in built(parted, kind, scope):
            block = truth[index][:, index]
            assert relative_gap(problem.operator.dense(), block) <= 1e-10
            assert torch.allclose(problem.rhs, -whole.gradient()[index], atol=1e-13)
            closed = kind == "ggn" and not case.model.no_closed_form
            assert not closed or problem.note == "", "a wrong formula would give way to autograd"


@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize("loss", ["weighted", "hyperbolic", "summed"])
def test_batches_whose_samples_weigh_differently(loss, kind):
    """Class weights are normalised batch by batch, so the reference takes the same batches."""
    case = objective_case("mlp_tanh", loss)
    inputs, targets = case.batch(7)
    pieces = list(zip(inputs.split((1, 4, 2)), targets.split((1, 4, 2)), strict=True))
    parted = Objective(case.model.model(), case.loss, pieces)
    truth = REFERENCES[kind](parted)
    for scope in scopes(parted):
        for problem, index in built(parted, kind, scope):
            assert relative_gap(problem.operator.dense(), truth[index][:, index]) <= 1e-10
            assert kind != "ggn" or problem.note == "", "a wrong formula would give way to autograd"


@pytest.mark.parametrize("model", ["mlp_tanh", "mlp_no_bias", "cnn_strided_dilated", "cnn_same"])
@pytest.mark.parametrize("loss", ["cross_entropy", "hyperbolic"])
def test_kfac_equals_the_slow_kfac(model, loss):
    objective = objective_case(model, loss).objective()
    check_kfac(objective)


@pytest.mark.parametrize("sizes", [(4,), (3, 1, 2)])
def test_kfac_of_tokens_and_of_several_batches(sizes):
    case = objective_case("token_linear")
    inputs, targets = case.batch(sum(sizes))
    pieces = list(zip(inputs.split(sizes), targets.split(sizes), strict=True))
    layers = ["0", "1.inner.1", "3"]
    check_kfac(Objective(case.model.model(), case.loss, pieces, parameters=layers))


def check_kfac(objective):
    blocks = []
    for problem, _ in built(objective, "kfac", "layer"):
        truth = dense_kfac(objective, problem.name)
        check_operator(problem.operator, truth, tolerance=1e-10)
        blocks.append(truth)
    ((full, _),) = built(objective, "kfac")
    check_operator(full.operator, torch.block_diag(*blocks), tolerance=1e-10)


def test_kfac_of_one_sample_on_vectors_is_exact():
    objective = objective_case("mlp_tanh").objective(size=1)
    truth = dense_gauss_newton(objective)
    for problem, index in built(objective, "kfac", "layer"):
        assert relative_gap(problem.operator.dense(), truth[index][:, index]) <= 1e-10


@pytest.mark.parametrize("model", ["linear", "mlp_tanh", "cnn_same"])
def test_the_empirical_fisher_is_the_mean_outer_product_of_sample_gradients(model):
    case = objective_case(model)
    inputs, targets = case.batch(4)
    network = case.model.model()
    alone = [
        Objective(network, case.loss, (inputs[n : n + 1], targets[n : n + 1])).gradient()
        for n in range(4)
    ]
    g = torch.stack(alone)
    ((problem, _),) = built(Objective(network, case.loss, (inputs, targets)), "empirical_fisher")
    assert relative_gap(problem.operator.dense(), g.T @ g / 4) <= 1e-10


@pytest.mark.parametrize("model", ["mlp_tanh", "embedding"])
def test_the_monte_carlo_fisher_has_the_gauss_newton_matrix_as_its_mean(model):
    objective = objective_case(model, "hyperbolic").objective()
    truth = dense_gauss_newton(objective)
    gaps = []
    for samples in (1, 400):
        step = NewtonStep(objective, "mc_fisher", samples=samples)
        generator = torch.Generator().manual_seed(1)
        (problem,) = step.problems(step.linearize(objective), generator=generator)
        assert Structure.POSITIVE_SEMIDEFINITE in problem.operator.structure
        assert problem.operator.factor_rows == 4 * samples
        gaps.append(float((problem.operator.dense() - truth).norm() / truth.norm()))
    # The error falls as 1/√samples: by 20 here, give or take the luck of the draw.
    assert gaps[1] < 0.15
    assert gaps[1] < gaps[0] / 5


def test_the_monte_carlo_fisher_draws_from_its_generator_only():
    objective = objective_case("mlp_tanh").objective()
    step = NewtonStep(objective, "mc_fisher")
    linearization = step.linearize(objective)

    def draw(seed):
        generator = torch.Generator().manual_seed(seed)
        (problem,) = step.problems(linearization, generator=generator)
        return problem.operator.dense()

    state = torch.random.get_rng_state()
    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    assert torch.equal(state, torch.random.get_rng_state())
    with pytest.raises(ValueError, match="pass a torch\\.Generator"):
        step.problems(linearization)


@pytest.mark.parametrize("kind", ["hessian", "ggn", "empirical_fisher", "kfac"])
def test_curvature_in_another_precision(kind):
    objective = objective_case("linear").objective(dtype=torch.float32)
    ((double, _),) = built(objective, kind, dtype=torch.float64)
    ((single, _),) = built(objective, kind)
    assert double.operator.dtype == double.rhs.dtype == torch.float64
    gap = double.operator.dense().float() - single.operator.dense()
    assert float(gap.abs().max()) < 1e-6


def test_products_cannot_change_the_precision():
    objective = objective_case("tied").objective(dtype=torch.float32)
    with pytest.raises(ValueError, match=r"put the model in torch\.float64"):
        built(objective, "ggn", dtype=torch.float64)


@pytest.mark.parametrize("model", ["mlp_relu", "mlp_inplace"])
def test_for_piecewise_linear_networks_layer_hessians_are_gauss_newton(model):
    objective = objective_case(model).objective()
    pairs = zip(built(objective, "hessian", "layer"), built(objective, "ggn", "layer"), strict=True)
    for (hessian, _), (ggn, _) in pairs:
        assert relative_gap(hessian.operator.dense(), ggn.operator.dense()) <= 1e-12
