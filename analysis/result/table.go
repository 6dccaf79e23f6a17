package result

import "fmt"

// A Table sets alternatives side by side: a row for each, the first column naming it.
// It is text, and a report shows it beside its answer.
type Table struct {
	Caption string
	Columns []string
	Rows    [][]string // each as long as Columns
}

func (t *Table) validate() error {
	for i, c := range t.Columns {
		if err := validText(fmt.Sprintf("text.table.columns[%d]", i), c); err != nil {
			return err
		}
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("text.table.rows[%d]: %d cells for %d columns", i, len(row), len(t.Columns))
		}
		for k, c := range row {
			if err := validText(fmt.Sprintf("text.table.rows[%d][%d]", i, k), c); err != nil {
				return err
			}
		}
	}
	return validText("text.table.caption", t.Caption)
}

func (t *Table) encode(w *jsonWriter) {
	w.open('{')
	w.key("caption").string(t.Caption)
	w.key("columns").strings(t.Columns)
	w.key("rows").open('[')
	for _, row := range t.Rows {
		w.element()
		w.strings(row)
	}
	w.close(']')
	w.close('}')
}

func (w *walker) table(n *node) Table {
	f := w.object(n, []string{"caption", "columns", "rows"}, nil)
	t := Table{Caption: w.string(f["caption"]), Columns: w.strings(f["columns"])}
	for _, row := range w.list(f["rows"]) {
		t.Rows = append(t.Rows, w.strings(row))
	}
	return t
}
