package rehearsal

import (
	"fmt"
	"strings"
)

// mallAccount is an account whose calls are described: at the simulator it takes back
// what it gave, which the other accounts have no calls for. {url} is the simulator's.
// Its secrets are Zhimai's.
const mallAccount = `  - name: mall
    kind: custom
    url: {url}
    secrets: {open_id: ZHIMAI_OPEN_ID, grant_code: ZHIMAI_GRANT_CODE, open_key: ZHIMAI_OPEN_KEY}
    timeout: 10s
    connect_timeout: 3s
    concurrency: 64
    lease: 30s
    retry_schedule: [0.5s, 1s, 2s, 5s, 15s, 1m, 5m, 15m, 30m, 1h]
    give_up_after: 24h
    probe_every: 1m
    in_doubt: verify
    keys: unknown
    key_memory: 24h
    quiet_after: 10m
    sample_every: 1m
    clock_skew: 2m
    sign:
      algorithm: hmac-sha1
      key: "{secret.open_key}"
      over: "GrantCode={secret.grant_code}&Nonce={nonce}&OpenId={secret.open_id}&Timestamp={timestamp}"
      encode: [base64, url]
      into: {json: /Token}
    calls:
      points_add:
        request: POST /api/v2
        json: {OpenId: "{secret.open_id}", GrantCode: "{secret.grant_code}", Timestamp: "{timestamp}", Nonce: "{nonce}", Token: "", Action: user.points-add, Params: {balance: "{points}", bizId: "{biz_id}", customerId: "{member_id}", reason: "{reason}", sourceType: "{source_type}", pointsChannel: "{points_channel}"}}
        code: /code
        words: /message
        outcomes: &moved
          - {at: {/status: [true], /code: [0]}, means: applied}
          - {at: {/status: [true], /code: [40901]}, means: already_applied}
          - {at: {/status: [true], /code: {present: true}}, means: refused}
          - {status: [401, 403], means: unauthorised}
          - {status: 429, means: throttled}
      points_deduct:
        request: POST /api/v2
        json: {OpenId: "{secret.open_id}", GrantCode: "{secret.grant_code}", Timestamp: "{timestamp}", Nonce: "{nonce}", Token: "", Action: user.points-deduct, Params: {balance: "{points}", bizId: "{biz_id}", customerId: "{member_id}", reason: "{reason}", sourceType: "{source_type}", pointsChannel: "{points_channel}"}}
        code: /code
        words: /message
        outcomes: *moved
      freeze_point:
        request: POST /openapi/v2/member/freezePoint
        headers: {X-Business-Token: "{biz_id}"}
        json: {memberId: "{member_id}", description: "{reason}", channelType: WECHAT, memberType: aupres, pointBizType: POINT, idempotentMode: 1, point: {number: "{points}.0"}}
        sign: none
        outcomes: &froze
          - {status: [200, 201, 204], empty: true, means: applied}
          - {status: [200, 201], at: {/code: [200, 201]}, means: applied}
          - {status: 409, means: already_applied}
          - {status: [401, 403], means: unauthorised}
          - {status: 429, means: throttled}
          - {status: 4xx, means: refused, words: /message}
      unfreeze_point:
        request: POST /openapi/v2/member/unfreezePoint
        headers: {X-Business-Token: "{biz_id}"}
        json: {memberId: "{member_id}", description: "{reason}", channelType: WECHAT, memberType: aupres, pointBizType: POINT, idempotentMode: 1, point: {number: "{points}.0"}}
        sign: none
        outcomes: *froze
      consume_frozen:
        request: POST /openapi/v2/member/consumePoint
        headers: {X-Business-Token: "{biz_id}"}
        json: {memberId: "{member_id}", description: "{reason}", channelType: WECHAT, memberType: aupres, pointBizType: POINT, idempotentMode: 1, point: {number: "{points}.0"}}
        sign: none
        outcomes: *froze
      records:
        request: POST /api/v2
        json: {OpenId: "{secret.open_id}", GrantCode: "{secret.grant_code}", Timestamp: "{timestamp}", Nonce: "{nonce}", Token: "", Action: user.user-points-records, Params: {user_id: "{member_id}", page_size: "{page_size}", page: "{page}"}}
        code: /code
        words: /message
        outcomes: &reads
          - {at: {/status: [true], /code: [0]}, means: answered}
          - {at: {/status: [true], /code: {present: true}}, means: refused}
          - {status: [401, 403], means: unauthorised}
          - {status: 429, means: throttled}
        none: {/data: [[]]}
        list: /data/item_list
        points: /points
        text: /desc
        at: /created_at
        before: /previous_point
        award: {/type: [1]}
        page: {size: 100, last: /data/last_page}
      member:
        request: POST /api/v2
        json: {OpenId: "{secret.open_id}", GrantCode: "{secret.grant_code}", Timestamp: "{timestamp}", Nonce: "{nonce}", Token: "", Action: communal.user.identity, Params: {type: "3", user_code: "{code}"}}
        code: /code
        words: /message
        outcomes: *reads
        id: /data/user_info/id

`

// Config makes of the built-in configuration that of a plan with Options.Life: grants
// for orders are held for two seconds, reviews go in the bulk lane, and the mall's
// orders have the account mall, which calls the simulator at url. A place that is not
// there is an error.
func Config(builtIn, url string) (string, error) {
	byShop := func(otherwise string) string {
		return fmt.Sprintf("          - account: {by: source, of: {%s: mall}, default: %s}\n", mallSource, otherwise)
	}
	text := builtIn
	for _, change := range [...][2]string{
		{"          - vendor: zhimai\n            call: points_add\n            source_type: 1\n", byShop(accountZhimai) + "            call: points_add\n            source_type: 1\n"},
		{"            # hold: 7d\n", "            hold: 2s\n"},
		{"          - vendor: kylin\n            call: freeze_point\n            when:", byShop(accountKylin) + "            call: freeze_point\n            when:"},
		{"      - type: review.posted\n", "      - type: review.posted\n        lane: bulk\n"},
		{"  - name: kylin\n", strings.ReplaceAll(mallAccount, "{url}", url) + "  - name: kylin\n"},
	} {
		if strings.Count(text, change[0]) != 1 {
			return "", fmt.Errorf("make the rehearsal's configuration: want %q in the built-in one, once", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	return text, nil
}
