package privacy

import (
	"testing"
)

func TestMaskOfMembers(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{"": "", "1234": "****", "12345678": "****", "123456789": "****6789", "卡卡卡卡卡卡卡卡尾号": "****卡卡尾号"} {
		if got := Card(number); got != want {
			t.Errorf("card %q: %q, want %q", number, got, want)
		}
	}
	for text, want := range map[string]string{"卡622588021234": "卡****1234", "62258802123": "62258802123", "a1b": "a1b", "": ""} {
		if got := longNumbers(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Name(" ", "王小明"); got != "王**" {
		t.Errorf("name %q", got)
	}
	for number, want := range map[string]string{"13812345678": "138****5678", "02112345678": "****5678", "1234567": "****", "": ""} {
		if got := Mobile(number); got != want {
			t.Errorf("mobile %q: %q, want %q", number, got, want)
		}
	}
}
