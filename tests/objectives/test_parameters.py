"""The flat parameter vector: order, subsets, blocks."""

import pytest
import torch
from torch import nn

from qurvature.objectives import Block, Objective, Parameters
from qurvature.testing import dense_hessian, objective_case


def network():
    return objective_case("mlp_tanh").model.model()


ALL = ("0.weight", "0.bias", "2.weight", "2.bias")


@pytest.mark.parametrize(
    ("select", "names"),
    [
        (None, ALL),
        (["0"], ALL[:2]),
        (["2", "0.bias"], ALL[1:]),
        (["2.weight"], ALL[2:3]),
        (lambda name: name.endswith("bias"), ALL[1::2]),
    ],
)
def test_a_subset_by_name_by_module_or_by_predicate(select, names):
    case = objective_case("mlp_tanh")
    part = Objective(case.model.model(), case.loss, case.batch(), parameters=select)
    assert part.parameters.names == names
    whole = case.objective()
    index = torch.cat(
        [torch.arange(whole.parameters.n)[whole.parameters.slice_of(k)] for k in names]
    )
    assert torch.allclose(part.gradient(), whole.gradient()[index], atol=1e-15)
    block = dense_hessian(whole)[index][:, index]
    v = torch.ones(len(index), dtype=torch.float64)
    assert torch.allclose(part.hvp(v), block @ v, atol=1e-13)


def test_a_name_is_not_a_prefix():
    model = nn.ModuleDict({"a": nn.Linear(1, 1), "ab": nn.Linear(1, 1)})
    assert Parameters.of_model(model, ["a"]).names == ("a.weight", "a.bias")


def test_names_that_match_nothing():
    with pytest.raises(
        ValueError, match=r"no trainable parameter is called 'head'.*there are 0\.w"
    ):
        Parameters.of_model(network(), ["head"])
    with pytest.raises(ValueError, match="no parameters"):
        Parameters.of_model(network(), lambda name: False)
    with pytest.raises(ValueError, match="no parameters"):
        Parameters([])


def test_what_needs_no_gradient_is_left_out():
    model = network()
    model[0].weight.requires_grad_(False)
    assert Parameters.of_model(model).names == ALL[1:]


def test_split_and_join_are_inverse():
    p = Parameters.of_model(network())
    theta = p.flat()
    assert torch.equal(p.join(p.split(theta)), theta)
    assert [tuple(t.shape) for t in p.split(theta)] == [(5, 4), (5,), (3, 5), (3,)]
    assert torch.equal(theta[p.slice_of("2.bias")], p.tensors[3].detach())
    p.write(theta + 1)
    assert torch.equal(p.flat(), theta + 1)
    with pytest.raises(ValueError, match=r"expected a vector of shape \(43,\), given \(2,\)"):
        p.write(torch.zeros(2))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_refused(dtype):
    model = nn.Linear(2, 2).to(dtype)
    with pytest.raises(ValueError, match=r"Keep the parameters in float32.*torch\.autocast"):
        Parameters.of_model(model)


def test_other_dtypes_are_refused():
    with pytest.raises(ValueError, match="one dtype and one device"):
        Parameters([("a", torch.ones(2)), ("b", torch.ones(2).double())])
    with pytest.raises(ValueError, match="real floating point"):
        Parameters([("a", torch.ones(2, dtype=torch.complex64))])


def test_blocks():
    p = Parameters.of_model(network())
    assert p.blocks("full") == [Block("full", ALL)]
    assert p.blocks("layer") == [Block("0", ALL[:2]), Block("2", ALL[2:])]
    named = p.blocks({"ends": ["0.weight", "2.bias"], "middle": ["2.weight", "0.bias"]})
    assert [b.members for b in named] == [("0.weight", "2.bias"), ("0.bias", "2.weight")]
    assert p.indices(p.blocks("layer")[1]) == slice(25, 43)
    ends, middle = (p.indices(b) for b in named)
    assert ends.tolist() == [*range(20), 40, 41, 42]
    assert middle == slice(20, 40)
    assert p.blocks("layer", names=["2.bias", "2.weight"]) == [Block("2", ALL[2:])]
    assert p.subset(named[0]).names == ("0.weight", "2.bias")


def test_a_parameter_of_the_model_itself_is_its_own_layer():
    assert [b.name for b in Parameters.of_model(nn.Linear(2, 2)).blocks("layer")] == [
        "weight",
        "bias",
    ]


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ("layers", "scope must be 'full', 'layer' or a dict"),
        ({"a": ["0"]}, r"no block holds '2\.weight'"),
        ({"a": ["0", "2"], "b": ["2.bias"]}, r"block 'b' repeats '2\.bias'"),
        ({"a": ["0", "2"], "b": ["1"]}, r"block 'b': \['1'\] match no parameter"),
    ],
)
def test_a_scope_that_is_no_partition(scope, message):
    with pytest.raises(ValueError, match=message):
        Parameters.of_model(network()).blocks(scope)
