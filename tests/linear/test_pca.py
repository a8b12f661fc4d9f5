"""PCA against what an orthogonal projection must do, and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA as Oracle

from ddasp._errors import InputError
from ddasp.linear.pca import PCA
from ddasp.linear.subspaces import truncated

from .matrices import integers


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


def test_three_points_on_a_line_worked_on_paper():
    # (1, 1), (2, 2), (3, 3): direction (1, 1) / sqrt 2, scores -sqrt 2, 0, sqrt 2, variance 2
    data = [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    pca = PCA(2).fit(data)
    assert_allclose(pca.explained_variance_, [2, 0], atol=1e-15)
    assert_allclose(pca.transform(data)[:, 0], [-np.sqrt(2), 0, np.sqrt(2)], atol=1e-14)
    assert_allclose(pca.loadings_, [[1, 0], [1, 0]], atol=1e-14)  # both features have variance 1
    assert_allclose(pca.whiten(data), [[-1, 0], [0, 0], [1, 0]], atol=1e-14)


def test_loadings_rebuild_the_covariance_and_are_correlations_of_standardised_features(X):
    pca = PCA(6).fit(X)
    assert_allclose(pca.loadings_ @ pca.loadings_.T, np.cov(X.T), rtol=1e-9)
    Z = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    pca = PCA(3).fit(Z)
    scores = pca.transform(Z)
    correlation = [[np.corrcoef(z, score)[0, 1] for score in scores.T] for z in Z.T]
    assert_allclose(pca.loadings_, correlation, rtol=1e-9)


def test_whitened_scores_have_variance_one_equal_scikit_learn_and_come_back(X):
    pca = PCA(4).fit(X)
    assert_allclose(np.cov(pca.whiten(X).T), np.eye(4), atol=1e-10)
    theirs = Oracle(4, whiten=True).fit_transform(X)
    assert_allclose(np.abs(pca.whiten(X)), np.abs(theirs), rtol=1e-7)
    assert_allclose(pca.unwhiten(pca.whiten(X)), pca.reconstruct(X), rtol=1e-10)
    full = PCA(6).fit(X)
    assert_allclose(full.unwhiten(full.whiten(X)), X, rtol=1e-10)


@given(integers())
def test_reconstruction_is_the_truncated_svd_of_the_centred_data(data):
    data = data.astype(float)
    centred, size = data - data.mean(axis=0), 1 + np.abs(data).max()
    for k in range(1, min(data.shape) + 1):
        pca = PCA(k).fit(data)
        error = np.linalg.norm(data - pca.reconstruct(data))
        best = np.linalg.norm(centred - truncated(centred, k))
        assert_allclose(error, best, atol=1e-12 * size)


@given(integers(), st.randoms(use_true_random=False))
def test_any_order_of_the_rows_gives_the_same_plane_and_variances(data, random):
    data = data.astype(float)
    order = list(range(len(data)))
    random.shuffle(order)
    pca, mixed = PCA(min(data.shape)).fit(data), PCA(min(data.shape)).fit(data[order])
    size = 1 + np.abs(data).max() ** 2
    assert_allclose(pca.explained_variance_, mixed.explained_variance_, atol=1e-11 * size)
    # equal variances leave their directions free, but not what all of them rebuild
    assert_allclose(mixed.loadings_ @ mixed.loadings_.T, np.cov(data.T).reshape(2 * data.shape[1:])
                    if len(data) > 1 else 0, atol=1e-11 * size)  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_direction_without_variance_is_whitened_to_zero_and_comes_back(dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=20)
    data = np.column_stack([x, 2 * x, np.full(20, 0.1)]).astype(dtype)
    pca = PCA(3).fit(data)
    whitened = pca.whiten(data)
    assert whitened.dtype == pca.loadings_.dtype == pca.reconstruct(data).dtype == dtype
    assert_allclose(whitened[:, 1:], 0)
    assert_allclose(pca.unwhiten(whitened), data, rtol=1e-4, atol=1e-6)
    far = PCA(4).fit(rng.normal(size=(4, 6)) + 1e6)  # four centred rows span three directions
    assert_allclose(far.whiten(np.zeros((1, 6)))[:, 3], 0)
    assert_allclose(PCA(1).fit(np.full((3, 2), 0.1, dtype)).explained_variance_ratio_, 0)


def test_scores_of_the_wrong_width_are_named(X):
    pca = PCA(2).fit(X)
    with pytest.raises(InputError, match="scores has 3 columns; expected 2, one for each"):
        pca.inverse_transform(np.ones((1, 3)))
    with pytest.raises(InputError, match="whitened has 1 columns; expected 2"):
        pca.unwhiten(np.ones((1, 1)))


def test_of_equal_entries_the_first_is_positive_whatever_the_order_of_the_rows():
    rng = np.random.default_rng(0)
    for _ in range(20):  # two standardised features: (1, 1) and (1, -1) / sqrt 2 always
        Z = rng.normal(size=(9, 2)) @ [[1, 0.5], [0, 1]]
        Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
        for rows in (Z, Z[::-1], rng.permutation(Z)):
            expected = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
            components = PCA(2).fit(rows).components_
            assert_allclose(components[np.argsort(-components[:, 1])], expected, rtol=1e-12)
