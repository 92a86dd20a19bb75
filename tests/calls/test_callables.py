"""Everything callable that can be cached, and what the wrapper keeps of it: methods, classes, partials, copies."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle

import cloudpickle
import pytest

from nbcache import cache_data


def test_the_wrapper_keeps_name_doc_signature_and_the_function(cache):
    @cache_data
    def foo(bar: int, *, mode: str = "fast") -> int:
        """Foo."""
        return bar

    assert (foo.__name__, foo.__doc__, foo.__module__) == ("foo", "Foo.", __name__)
    assert str(inspect.signature(foo)) == "(bar: 'int', *, mode: 'str' = 'fast') -> 'int'"
    assert foo.__wrapped__(3) == 3
    assert foo.info().misses == 0


@cache_data
def importable(x):
    return x + 1


def test_the_wrapper_travels_by_name_by_value_and_by_copy(calls, cache):
    assert pickle.loads(pickle.dumps(importable)) is importable
    assert copy.deepcopy(importable) is importable

    @cache_data(ttl=60)
    def local(n):
        return 1 if n == 0 else n * local(n - 1)

    for travel in (pickle, cloudpickle):
        arrived = travel.loads(travel.dumps(local))
        assert arrived(5) == 120
        assert arrived.__name__ == "local"
    assert pickle.loads(pickle.dumps(cache_data)) is cache_data


class Account:
    def __init__(self, balance):
        self.balance = balance

    @cache_data
    def doubled(self, plus=0):
        return self.balance * 2 + plus

    @classmethod
    @cache_data
    def inner(cls, x):
        return cls.__name__, x

    @cache_data
    @classmethod
    def outer(cls, x):
        return cls.__name__, x

    @staticmethod
    @cache_data
    def static_inner(x):
        return x

    @cache_data
    @staticmethod
    def static_outer(x):
        return x

    @property
    @cache_data
    def inner_property(self):
        return [self.balance]

    @cache_data
    @property
    def outer_property(self):
        return [self.balance]


class Savings(Account):
    pass


def test_a_method_is_keyed_by_the_state_of_its_instance(cache):
    one, same, other = Account(1), Account(1), Account(5)
    assert (one.doubled(), same.doubled(), other.doubled()) == (2, 2, 10)
    assert (Account.doubled.info().misses, Account.doubled.info().hits) == (2, 1)
    one.balance = 7
    assert one.doubled() == 14


def test_clear_on_an_instance_forgets_its_call_or_every_instance(cache):
    one, other = Account(1), Account(5)
    one.doubled(1), other.doubled(1)
    one.doubled.clear(1)
    assert (one.doubled.is_cached(1), other.doubled.is_cached(1)) == (False, True)
    one.doubled.clear()
    assert not other.doubled.is_cached(1)


@pytest.mark.parametrize("name", ["inner", "outer"])
def test_a_classmethod_is_cached_per_class_in_either_order(name, cache):
    assert getattr(Account, name)(1) == ("Account", 1)
    assert getattr(Savings, name)(1) == ("Savings", 1)
    assert getattr(Account(3), name)(1) == ("Account", 1)
    row = next(row for row in cache_data.info() if row.name.endswith(f"Account.{name}"))
    assert (row.misses, row.hits) == (2, 1)


@pytest.mark.parametrize("name", ["static_inner", "static_outer"])
def test_a_staticmethod_is_cached_in_either_order(name, cache):
    assert getattr(Account, name)(4) == getattr(Account(1), name)(4) == 4
    assert sum(row.hits for row in cache_data.info()) == 1


@pytest.mark.parametrize("name", ["inner_property", "outer_property"])
def test_a_property_is_cached_in_either_order(name, cache):
    account = Account(3)
    assert getattr(account, name) == getattr(Account(3), name) == [3]
    assert sum(row.hits for row in cache_data.info()) == 1


class Adder:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        return x + self.n


def test_callables_partials_and_builtins_can_be_cached(cache):
    assert cache_data(Adder(3))(1) == cache_data(Adder(3))(1) == 4
    assert cache_data(Adder(4))(1) == 5
    assert cache_data(functools.partial(pow, 2))(5) == 32
    assert cache_data(functools.partial(pow, 3))(2) == 9
    assert cache_data(len)([1, 2]) == 2
    assert cache_data(max)(1, 5, 3) == 5
