// Package learn holds the learners that attacks use: labelled vectors in, models
// out that score a vector they have not seen. It knows numbers and labels only.
//
//   - [FitScaler] brings features to one scale, whatever their units, tails and
//     gaps.
//   - [FitLogistic] learns log odds that are linear in the features, [FitSoftmax]
//     the same for more than two classes.
//   - [FitKNN] learns log odds from the nearest training rows, so also what no
//     line separates.
//   - [FitStack] takes the one, the other, or both, by cross-validation.
//   - [PermutationImportance] and [SingleFeatures] say what gave it away.
//   - [FitPosterior] learns from simulations how many routers there are.
//   - [FitMixture] and [Louvain] find groups without labels.
//
// # Rows
//
// A row is one observation, all rows of a fit have the same length. NaN is a
// value that is missing, and that it is missing may itself be telling. Infinite
// values count as very large ones. A row of another length than the training
// rows says nothing: a score is then 0, a posterior the prior.
//
// # Models
//
// A fit is a function of its arguments: no clock, no global randomness; what is
// shuffled is shuffled by a seed in the options. The error of a fit wraps
// [ErrTraining]. A model does not change after its fit, keeps nothing of the
// caller's slices, and may be used by several goroutines. Its scores are finite.
//
// # No peeping
//
// What is chosen by cross-validation (penalties, neighbours, combinations) is
// chosen on training rows alone. Several rows cut from one trial are not
// independent; [CV] takes groups that must not be torn apart.
package learn
