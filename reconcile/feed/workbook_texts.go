package feed

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

// heldTexts is how many bytes of a workbook's texts are held in memory. More of them
// stand in a temporary file.
const heldTexts = 8 << 20

// texts are the texts of a workbook, which its cells name by number.
type texts struct {
	ends []int64 // of each, in what is held or in the file
	held []byte
	file *os.File
}

func (w *workbook) readTexts(parts *zip.Reader, name string) (*texts, error) {
	all := &texts{}
	if name == "" {
		return all, nil
	}
	part, err := openPart(parts, name)
	if err != nil {
		return nil, w.broken(err)
	}
	defer part.Close()
	if err := all.read(xml.NewDecoder(&limitedPart{from: part, left: maxSheetBytes})); err != nil {
		all.close()
		return nil, w.broken(err)
	}
	return all, nil
}

func (t *texts) read(decoder *xml.Decoder) error {
	var (
		text  []byte
		spill *bufio.Writer
		end   int64
		in    bool
	)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && spill != nil {
			return spill.Flush()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "rPh" {
				if err := decoder.Skip(); err != nil {
					return err
				}
				continue
			}
			in = e.Name.Local == "t"
		case xml.CharData:
			if in {
				text = append(text, e...)
			}
		case xml.EndElement:
			if in = false; e.Name.Local != "si" {
				continue
			}
			end += int64(len(text))
			t.ends = append(t.ends, end)
			if spill == nil && end > heldTexts {
				if spill, err = t.spill(); err != nil {
					return err
				}
			}
			if spill == nil {
				t.held = append(t.held, text...)
			} else if _, err := spill.Write(text); err != nil {
				return fmt.Errorf("write texts to a temporary file: %w", err)
			}
			text = text[:0]
		}
	}
}

// spill moves what is held into a temporary file. It is removed at once where the system
// lets an open file be removed, and else when it is closed.
func (t *texts) spill() (*bufio.Writer, error) {
	file, err := os.CreateTemp("", "points-ledger-texts-*")
	if err != nil {
		return nil, fmt.Errorf("a temporary file for the texts: %w", err)
	}
	_ = os.Remove(file.Name())
	t.file = file
	w := bufio.NewWriterSize(file, 1<<20)
	_, err = w.Write(t.held)
	t.held = nil
	return w, err
}

func (t *texts) at(n int) (string, error) {
	if n < 0 || n >= len(t.ends) {
		return "", fmt.Errorf("there is no text number %d", n)
	}
	begin := int64(0)
	if n > 0 {
		begin = t.ends[n-1]
	}
	if t.file == nil {
		return unescaped(string(t.held[begin:t.ends[n]])), nil
	}
	text := make([]byte, t.ends[n]-begin)
	if _, err := t.file.ReadAt(text, begin); err != nil {
		return "", fmt.Errorf("read a text: %w", err)
	}
	return unescaped(string(text)), nil
}

func (t *texts) close() {
	if t != nil && t.file != nil {
		_ = t.file.Close()
		_ = os.Remove(t.file.Name())
	}
}

var escapedChar = regexp.MustCompile(`_x([0-9A-Fa-f]{4})_`)

// unescaped reads what a workbook writes for characters that XML has not: _x000D_.
func unescaped(text string) string {
	if len(text) < 7 || !escapedChar.MatchString(text) {
		return text
	}
	return escapedChar.ReplaceAllStringFunc(text, func(found string) string {
		n, err := strconv.ParseUint(found[2:6], 16, 16)
		if err != nil || 0xd800 <= n && n < 0xe000 {
			return found
		}
		return string(rune(n))
	})
}
