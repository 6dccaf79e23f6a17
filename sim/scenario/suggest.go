package scenario

import "fmt"

// didYouMean returns "did you mean …?" for the candidate nearest to a
// misspelt word, "" where none is near.
func didYouMean(word string, candidates []string) string {
	// Two slips, or one in three letters of a long word; a word of three
	// letters is too short for two.
	best, limit := "", max(1, min(len(word)/2, max(2, len(word)/3)))
	for _, c := range candidates {
		if d := editDistance(word, c, limit); d <= limit && (best == "" || d < limit) {
			best, limit = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s?", best)
}

// editDistance is the Levenshtein distance of two words, or more than limit
// where it is more than limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
