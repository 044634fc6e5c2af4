package cloudevent

import "testing"

// A message may be rejected before its password is even found.
func TestRedactNeedsNoValidJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ payload, want string }{
		{`{"member":{"password":"hunter2"`, `{"member":{"password":"***"`},
		{`{"password":"hunt`, `{"password":"***"`},
		{`{"password":`, `{"password":`},
		{`{"password"`, `{"password"`},
		{`{"password":123456,"x":1}`, `{"password":"***","x":1}`},
		{`{"password":null}`, `{"password":null}`},
		{`{"password" : "" , "pwd":[ ],"loginPwd":{},"cardPassword":false,"x":1}`, `{"password" : "" , "pwd":[ ],"loginPwd":{},"cardPassword":false,"x":1}`},
		{`{"password":0,"pwd":" "}`, `{"password":"***","pwd":"***"}`},
		{`{"password":{"a":["}",1]},"x":1}`, `{"password":"***","x":1}`},
		{`{"password":[1,2],"x":1}`, `{"password":"***","x":1}`},
		{`{"pwd":"a\"b","pwd":"c"}`, `{"pwd":"***","pwd":"***"}`},
		{"{\"password\":\"\xb6\xa9\",\"x\":\"\xb5\xa5\"}", "{\"password\":\"***\",\"x\":\"\xb5\xa5\"}"},
		{`"{\"password\":\"hunter2\"}"`, `"***"`},
		{`{"data":"{\"cardPassword\" : \"hunter2\"}"}`, `{"data":"***"}`},
		{`{"data":"my password: hunter2"}`, `{"data":"***"}`},
	} {
		got, changed := Redact([]byte(tc.payload))
		if string(got) != tc.want || changed != (tc.payload != tc.want) {
			t.Errorf("Redact(%s)\n got %s, %v\nwant %s", tc.payload, got, changed, tc.want)
		}
	}
	for _, payload := range []string{`{"passwordHint":"x","word":"y"}`, `{"x":"the password is secret"}`, `{"a":"b"}`, ``, `"`, `\`, `{"x":"pwd"}`} {
		if got, changed := Redact([]byte(payload)); changed || string(got) != payload {
			t.Errorf("Redact(%s) = %s, %v, want it as it is", payload, got, changed)
		}
	}
}

func TestIsSecretName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"password": true, "PASSWORD": true, "cardPassword": true, "card-password": true, "passwd": true, "pwd": true, "userPwd2": true,
		"passcode": true, "密码": true, "pass_word": true, "Password_": true,
		"passwords": false, "word": false, "passwordReset": false, "code": false, "userCode": false, "customerId": false, "": false, "pw": false, "码": false,
	} {
		if got := IsSecretName([]byte(name)); got != want {
			t.Errorf("IsSecretName(%q) = %v, want %v", name, got, want)
		}
	}
}
