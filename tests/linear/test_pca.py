"""PCA against what an orthogonal projection must do, and scikit-learn."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA as Oracle

from ddasp._errors import InputError
from ddasp.linear.pca import PCA


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + 2


def test_explained_variance_equals_scikit_learn(X):
    ours, theirs = PCA(3).fit(X), Oracle(3).fit(X)
    assert_allclose(ours.explained_variance_, theirs.explained_variance_, rtol=1e-10)
    assert_allclose(ours.explained_variance_ratio_, theirs.explained_variance_ratio_, rtol=1e-10)
    assert_allclose(np.abs(ours.components_), np.abs(theirs.components_), rtol=1e-7)


def test_components_are_orthonormal_and_scores_uncorrelated(X):
    pca = PCA(6).fit(X)
    assert_allclose(pca.components_ @ pca.components_.T, np.eye(6), atol=1e-12)
    assert_allclose(np.cov(pca.transform(X).T), np.diag(pca.explained_variance_), atol=1e-10)


def test_all_components_rebuild_the_observations(X):
    pca = PCA(6).fit(X)
    assert_allclose(pca.inverse_transform(pca.transform(X)), X, rtol=1e-10)


def test_order_of_rows_does_not_matter_and_the_largest_entry_is_positive(X):
    pca, turned = PCA(2).fit(X), PCA(2).fit(X[::-1])
    assert_allclose(pca.components_, turned.components_, rtol=1e-8)
    for component in pca.components_:
        assert component[np.argmax(np.abs(component))] > 0


def test_negating_the_data_keeps_the_components(X):
    assert_allclose(PCA(2).fit(-X).components_, PCA(2).fit(X).components_, rtol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_data_and_one_observation_explain_nothing(dtype):
    for data in (np.full((5, 3), 2, dtype), np.ones((1, 3), dtype)):
        pca = PCA(1).fit(data)
        assert pca.components_.dtype == dtype
        assert_allclose(pca.explained_variance_ratio_, 0)
        assert_allclose(pca.transform(data), 0)


def test_too_many_components_and_a_wrong_width_are_named(X):
    with pytest.raises(InputError, match="n_components is 7; expected 1 to 6"):
        PCA(7).fit(X)
    with pytest.raises(InputError, match="X has 5 columns; expected 6"):
        PCA(1).fit(X).transform(X[:, :5])
