"""Writes golden.json: what scikit-learn makes of a few small data sets.

    python3 golden.py > golden.json        (Debian 12: python3-sklearn 1.2.1)
"""
import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("error")
rng = np.random.default_rng(140)
out = {
    "versions": {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "sklearn": sklearn.__version__,
    },
}

# Two classes of different size, features of different units, one collinear with
# two others.
n = 60
x = rng.normal(size=(n, 4)) * [1, 10, 0.1, 3] + [0, 5, -2, 100]
y = (x[:, 0] + 0.1 * (x[:, 1] - 5) + rng.logistic(size=n) > 0.7).astype(int)
x = np.round(np.column_stack([x, x[:, 0] + x[:, 3]]), 4)
z = StandardScaler().fit_transform(x)
fits = []
for penalty in [1.0, 0.1, 0.001]:
    # Our loss is a mean and its penalty is not divided by the number of rows.
    m = LogisticRegression(C=1 / (penalty * n), class_weight="balanced", solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(z, y)
    fits.append({"penalty": penalty, "intercept": m.intercept_[0], "weights": m.coef_[0].tolist(), "scores": m.decision_function(z[:5]).tolist()})
out["logistic"] = {"rows": x.tolist(), "labels": y.tolist(), "fits": fits, "f": f_classif(z, y)[0].tolist()}

# Three classes.
n = 90
k = rng.choice([1, 2, 4], size=n, p=[0.5, 0.3, 0.2])
x = np.round(rng.normal(size=(n, 3)) + np.column_stack([k, -0.5 * k, 0 * k]), 4)
z = StandardScaler().fit_transform(x)
fits = []
for penalty in [0.3, 0.01]:
    m = LogisticRegression(C=1 / (penalty * n), class_weight="balanced", solver="lbfgs", tol=1e-10, max_iter=100000).fit(z, k)
    fits.append({"penalty": penalty, "log_probabilities": m.predict_log_proba(z[:8]).tolist()})
out["softmax"] = {"rows": x.tolist(), "labels": k.tolist(), "fits": fits}

# A mixture of three Gaussians in two dimensions.
x = np.concatenate([
    rng.normal(size=(60, 2)) * [1, 0.5] + [0, 0],
    rng.normal(size=(40, 2)) * [0.5, 1] + [6, 1],
    rng.normal(size=(30, 2)) * [0.7, 0.7] + [3, 9],
])
x = np.round(x, 4)
fits = []
for g in range(1, 5):
    m = GaussianMixture(g, covariance_type="diag", n_init=50, random_state=1, tol=1e-10, max_iter=10000, reg_covar=1e-9).fit(x)
    fits.append({"log_likelihood": m.score(x) * len(x), "bic": m.bic(x), "means": sorted(m.means_.tolist())})
out["mixture"] = {"points": x.tolist(), "fits": fits}

json.dump(out, sys.stdout, indent=None, separators=(",", ":"))
sys.stdout.write("\n")
