import torch

from funcgrasp_core.grasp_model.sample_random import SampleRandom, stream_seed


def test_a_sample_gets_the_same_numbers_in_any_batch():
    whole, second = SampleRandom([1, 2, 3]), SampleRandom([2])
    for draw in ("normal", "uniform"):
        assert torch.equal(getattr(whole, draw)(4, 5)[1:2], getattr(second, draw)(4, 5))
    assert torch.equal(whole.integers(1000, 7)[1:2], second.integers(1000, 7))


def test_streams_go_on_and_differ():
    random = SampleRandom([1, 2])
    first, again = random.normal(8), random.normal(8)
    assert not torch.equal(first, again)
    assert not torch.equal(first[0], first[1])


def test_type_and_device_follow_the_given_tensor():
    like = torch.zeros(1, dtype=torch.float64)
    assert SampleRandom([0]).normal(3, like=like).dtype == torch.float64
    half = SampleRandom([0]).normal(3, like=like.bfloat16())
    assert torch.equal(half, SampleRandom([0]).normal(3))


def test_numbers_have_their_distribution_and_bounds():
    random = SampleRandom(range(500))
    assert abs(float(random.normal(100).std()) - 1) < 0.02
    uniform = random.uniform(100)
    assert 0 <= float(uniform.min()) < 0.001
    assert 0.999 < float(uniform.max()) < 1
    limits = [1 + index % 5 for index in range(500)]
    drawn = random.integers(limits, 20)
    assert bool((drawn < torch.tensor(limits)[:, None]).all())
    assert drawn.max() == 4


def test_stream_seeds_depend_on_every_number():
    seeds = {stream_seed(*numbers) for numbers in [(1, 2), (2, 1), (1,), (12,), (1, 2, 0)]}
    assert len(seeds) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_some_of_the_samples_go_on_where_their_streams_were():
    whole, some = SampleRandom([1, 2, 3]), SampleRandom([1, 2, 3])
    first = whole.normal(4)
    chosen = some.of_samples([2, 0])
    assert torch.equal(chosen.normal(4), first[[2, 0]])
    assert torch.equal(some.uniform()[[0, 2]], whole.uniform()[[0, 2]])
