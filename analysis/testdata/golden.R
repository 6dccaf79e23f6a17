# The golden values of the incidence, Jolly-Seber and AUC tests, as other programs
# compute them. Not run by any test; the numbers stand in the tests.
#
#   R 4.2.2, vegan 2.6-4, pROC 1.18.0, Rcpp 1.0.10
#   (Debian 12: r-base-core r-cran-vegan r-cran-proc r-cran-rcpp)
#   iNEXT 3.0.2, FSA 0.10.0, SpadeR 0.1.1: source trees in the folders that the
#   arguments name
#
#   Rscript golden.R iNEXT FSA SpadeR
suppressPackageStartupMessages({library(vegan); library(pROC); library(Rcpp)})
from <- commandArgs(TRUE)
options(digits = 12, width = 160)

# Barro Colorado Island: 225 tree species in 50 plots of one hectare.
data(BCI)
q <- colSums(BCI > 0)
q <- q[q > 0]
cat("BCI, species by the number of plots they were seen in:\n")
print(table(q))
cat("specpool:\n")
print(unlist(specpool(BCI)))
cat("specaccum, exact, at 1, 5, 10, 25, 40, 49 plots:\n")
print(specaccum(BCI, "exact")$richness[c(1, 5, 10, 25, 40, 49)])

# A sparse matrix: 40 species in 12 units, drawn once.
set.seed(140)
p <- rep(c(0.02, 0.06, 0.15, 0.4), each = 10)
sparse <- matrix(rbinom(40 * 12, 1, rep(p, each = 12)), nrow = 12)
cat("sparse, the species of each unit (counted from 0):\n")
for (i in 1:12) cat("{", paste(which(sparse[i, ] > 0) - 1, collapse = ", "), "},\n", sep = "")
cat("specpool:\n")
print(unlist(specpool(sparse)))
qs <- colSums(sparse)
qs <- qs[qs > 0]

for (f in list.files(file.path(from[3], "R"), "^SpecInci(Chao2bc|Jack1|Jack2)\\.R$", full.names = TRUE)) source(f)
cat("SpadeR: estimate, standard error, bounds at 0.95\n")
for (x in list(c(50, q), c(12, qs))) {
  print(SpecInciChao2bc(x, 10, 0.95))
  print(SpecInciJack1(x, 10, 0.95))
  print(SpecInciJack2(x, 10, 0.95))
}

sourceCpp(file.path(from[1], "src", "subfuns.cpp"))
for (f in c("iNEXT.r", "invChat.R", "EstIndex.R", "JADE.R", "iNEXT_generalq.r")) {
  env <- new.env()
  for (e in parse(file.path(from[1], "R", f))) try(eval(e, globalenv()), silent = TRUE)
}
cat("iNEXT:\n")
for (x in list(c(50, q), c(12, qs))) {
  at <- c(1, floor(x[1] / 2), x[1] - 1, x[1], x[1] + 3, 2 * x[1])
  print(rbind(t = at, coverage = Chat.Sam(x, at), richness = TD.m.est_inc(x, at, 0)))
  for (level in c(0.5, 0.8, 0.9, 0.95, 0.99, 0.995)) print(invChat.Sam(x, 0, level))
  b <- EstiBootComm.Sam(x)
  cat("bootstrap assemblage: species, sum, smallest probability\n")
  print(c(length(b), sum(b), min(b)))
}

for (f in c("FSA-internals.R", "mrOpen.R")) for (e in parse(file.path(from[2], "R", f))) try(eval(e, globalenv()), silent = TRUE)
# Jolly (1965), table 2: a capsid bug in an apple orchard, 13 occasions.
top <- matrix(NA, 13, 13)
rows <- list(10, c(3, 34), c(5, 18, 33), c(2, 8, 13, 30), c(2, 4, 8, 20, 43), c(1, 6, 5, 10, 34, 56),
  c(0, 4, 0, 3, 14, 19, 46), c(0, 2, 4, 2, 11, 12, 28, 51), c(0, 0, 1, 2, 3, 5, 17, 22, 34),
  c(1, 2, 3, 1, 0, 4, 8, 12, 16, 30), c(0, 1, 3, 1, 1, 2, 7, 4, 11, 16, 26), c(0, 1, 0, 2, 3, 3, 2, 10, 9, 12, 18, 35))
for (i in seq_along(rows)) top[seq_along(rows[[i]]), i + 1] <- rows[[i]]
n <- c(54, 146, 169, 209, 220, 209, 250, 176, 172, 127, 123, 120, 142)
R <- c(54, 143, 164, 202, 214, 207, 243, 175, 169, 126, 120, 120, 0)
m <- c(0, 10, 37, 56, 53, 77, 112, 86, 110, 84, 77, 72, 95)
df <- data.frame(m = m, n = n, R = R)
df$r <- iCalcr(top)
df$z <- iCalcz(top, 13)
df <- iEstB(iEstPhi(iEstN(iEstM(df), "Jolly", 0.95), 13, "Jolly", 0.95, TRUE), 13, "Jolly", 0.95)
cat("FSA, Jolly's data:\n")
print(df[, c("m", "n", "R", "r", "z", "M", "M.se", "N", "N.se", "phi", "phi.se", "B", "B.se")])

cat("pROC: AUC, variance by DeLong\n")
negatives <- c(3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8)
positives <- c(9, 7, 9, 3, 2, 3, 8, 4, 6, 10, 11)
r <- roc(controls = negatives, cases = positives, direction = "<")
print(c(auc(r), var(r, method = "delong")))
