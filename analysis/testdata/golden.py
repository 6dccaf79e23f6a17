# The golden values of the tests of leakage, neighbours and slices. Not run by any test; the numbers stand
# in the tests.
#
#   Python 3.11.2, NumPy 1.24.2, SciPy 1.10.1, scikit-learn 1.2.1
#   (Debian 12: python3-scipy python3-sklearn)
import math

import numpy as np
from scipy.stats import binom, chi2_contingency, ncx2
from sklearn.metrics import mutual_info_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

# Hair and eye colour of 592 students (Snedecor; R's HairEyeColor over both sexes).
hair_eye = np.array([[68, 20, 15, 5], [119, 84, 54, 29], [26, 17, 14, 14], [7, 94, 10, 16]])
for name, t in ("hair and eye", hair_eye), ("arms", np.array([[30, 15, 5], [10, 20, 20]])):
    bits = mutual_info_score(None, None, contingency=t) / math.log(2)
    g, p, df, _ = chi2_contingency(t, correction=False, lambda_="log-likelihood")
    joint = t / t.sum()
    print(name, "bits %.12g G %.12g p %.6g df %d" % (bits, g, p, df),
          "min-entropy leakage %.12g" % math.log2(joint.max(axis=0).sum() / joint.sum(axis=1).max()))
print("noncentral chi-square", ["%.12g" % ncx2.cdf(x, df, nc) for x, df, nc in ((10, 3, 4), (150, 9, 120), (2, 1, 0.5), (900, 2, 850))])

# Nearest neighbours of points on a spiral, no two distances equal.
points = [(math.sin(2.1 * i) * math.sqrt(i) + 0.37 * (i % 3), math.cos(1.3 * i) + 0.01 * i) for i in range(60)]
labels = [i % 3 for i in range(60)]
for k, classes in (1, 3), (3, 2), (5, 2):  # an odd number of votes on two labels has no ties
    y = [l % classes for l in labels]
    guess = cross_val_predict(KNeighborsClassifier(k, algorithm="brute"), points, y, cv=LeaveOneOut())
    print("k =", k, "labels", classes, "errors of leave-one-out", sum(a != b for a, b in zip(guess, y)))

# The Bayes rule for k of 1 to 16 slices, each Binomial(75, 1/4), of which the sum is known.
sums = np.arange(75 * 16 + 1)
law = np.array([binom.pmf(sums, 75 * k, 0.25) for k in range(1, 17)])
guess = law.argmax(axis=0) + 1
for k, off in (1, 0), (2, 0), (4, 0), (8, 1), (16, 0):
    print("k = %d within %d: %.12g" % (k, off, law[k - 1][abs(guess - k) <= off].sum()))
