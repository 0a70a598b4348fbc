// Runs the shared script through the official Go client. Arguments: client URL, path of the script.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

type answer map[string]any

// A step of clients/script.json; which fields it has depends on Op.
type step struct {
	Title        string     `json:"title"`
	Op           string     `json:"op"`
	Key          string     `json:"key"`
	Value        string     `json:"value"`
	Prev         bool       `json:"prev"`
	Prefix       bool       `json:"prefix"`
	Serializable bool       `json:"serializable"`
	CountOnly    bool       `json:"countOnly"`
	KeysOnly     bool       `json:"keysOnly"`
	Rev          int64      `json:"rev"`
	Limit        int64      `json:"limit"`
	Sort         []string   `json:"sort"`
	Lease        any        `json:"lease"`
	TTL          int64      `json:"ttl"`
	Name         string     `json:"name"`
	Count        int        `json:"count"`
	If           [][]any    `json:"if"`
	Then         [][]string `json:"then"`
	Else         [][]string `json:"else"`
}

type openWatch struct {
	cancel context.CancelFunc
	events chan *clientv3.Event
}

type driver struct {
	client  *clientv3.Client
	ids     map[string]clientv3.LeaseID
	names   map[int64]string
	watches map[string]openWatch
}

const eventsWithin = 20 * time.Second

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(url, scriptPath string) error {
	text, err := os.ReadFile(scriptPath)
	if err != nil {
		return err
	}
	var steps []step
	if err := json.Unmarshal(text, &steps); err != nil {
		return err
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{url}, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer client.Close()
	d := driver{client: client, ids: map[string]clientv3.LeaseID{}, names: map[int64]string{0: ""}, watches: map[string]openWatch{}}
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for _, one := range steps {
		result, err := d.do(one)
		if err != nil {
			result = answer{"error": etcdWords(err.Error())}
		}
		if err := output.Encode(result); err != nil {
			return err
		}
	}
	return nil
}

// etcd's own words in whatever the client made of an error.
func etcdWords(text string) string {
	if words := regexp.MustCompile(`etcdserver: [^"\n\\)]*`).FindString(text); words != "" {
		return strings.TrimSpace(words)
	}
	return text
}

func (d *driver) do(s step) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	switch s.Op {
	case "put":
		return d.put(ctx, s)
	case "get":
		return d.get(ctx, s)
	case "delete":
		return d.remove(ctx, s)
	case "txn":
		return d.txn(ctx, s)
	case "watch":
		return d.watch(s)
	case "events":
		return d.collect(s), nil
	case "unwatch":
		d.watches[s.Name].cancel()
		return answer{}, nil
	case "compact":
		response, err := d.client.Compact(ctx, s.Rev)
		if err != nil {
			return nil, err
		}
		return answer{"revision": response.Header.Revision}, nil
	default:
		return d.lease(ctx, s)
	}
}

func (d *driver) leaseOf(s step) clientv3.LeaseID {
	if number, ok := s.Lease.(float64); ok {
		return clientv3.LeaseID(number)
	}
	name, _ := s.Lease.(string)
	return d.ids[name]
}

func (d *driver) put(ctx context.Context, s step) (answer, error) {
	var options []clientv3.OpOption
	if s.Lease != nil {
		options = append(options, clientv3.WithLease(d.leaseOf(s)))
	}
	if s.Prev {
		options = append(options, clientv3.WithPrevKV())
	}
	response, err := d.client.Put(ctx, s.Key, s.Value, options...)
	if err != nil {
		return nil, err
	}
	result := answer{"revision": response.Header.Revision}
	if response.PrevKv != nil {
		result["prev"] = d.kv(response.PrevKv)
	}
	return result, nil
}

func (d *driver) get(ctx context.Context, s step) (answer, error) {
	var options []clientv3.OpOption
	if s.Prefix {
		options = append(options, clientv3.WithPrefix())
	}
	if s.Rev != 0 {
		options = append(options, clientv3.WithRev(s.Rev))
	}
	if s.Limit != 0 {
		options = append(options, clientv3.WithLimit(s.Limit))
	}
	if s.Serializable {
		options = append(options, clientv3.WithSerializable())
	}
	if s.CountOnly {
		options = append(options, clientv3.WithCountOnly())
	}
	if s.KeysOnly {
		options = append(options, clientv3.WithKeysOnly())
	}
	if len(s.Sort) == 2 {
		targets := map[string]clientv3.SortTarget{"KEY": clientv3.SortByKey, "VERSION": clientv3.SortByVersion, "CREATE": clientv3.SortByCreateRevision, "MOD": clientv3.SortByModRevision, "VALUE": clientv3.SortByValue}
		orders := map[string]clientv3.SortOrder{"ASCEND": clientv3.SortAscend, "DESCEND": clientv3.SortDescend}
		options = append(options, clientv3.WithSort(targets[s.Sort[0]], orders[s.Sort[1]]))
	}
	response, err := d.client.Get(ctx, s.Key, options...)
	if err != nil {
		return nil, err
	}
	return answer{"revision": response.Header.Revision, "count": response.Count, "more": response.More, "kvs": d.kvs(response.Kvs)}, nil
}

func (d *driver) remove(ctx context.Context, s step) (answer, error) {
	var options []clientv3.OpOption
	if s.Prefix {
		options = append(options, clientv3.WithPrefix())
	}
	if s.Prev {
		options = append(options, clientv3.WithPrevKV())
	}
	response, err := d.client.Delete(ctx, s.Key, options...)
	if err != nil {
		return nil, err
	}
	result := answer{"revision": response.Header.Revision, "deleted": response.Deleted}
	if s.Prev {
		result["prev"] = d.kvs(response.PrevKvs)
	}
	return result, nil
}

func (d *driver) txn(ctx context.Context, s step) (answer, error) {
	var compares []clientv3.Cmp
	for _, one := range s.If {
		key := one[0].(string)
		value := one[3]
		if number, ok := value.(float64); ok {
			value = int64(number)
		}
		targets := map[string]func(string) clientv3.Cmp{"VALUE": clientv3.Value, "VERSION": clientv3.Version, "CREATE": clientv3.CreateRevision, "MOD": clientv3.ModRevision}
		compares = append(compares, clientv3.Compare(targets[one[1].(string)](key), one[2].(string), value))
	}
	response, err := d.client.Txn(ctx).If(compares...).Then(operations(s.Then)...).Else(operations(s.Else)...).Commit()
	if err != nil {
		return nil, err
	}
	responses := []answer{}
	for _, one := range response.Responses {
		if got := one.GetResponseRange(); got != nil {
			responses = append(responses, answer{"get": d.kvs(got.Kvs)})
		} else if deleted := one.GetResponseDeleteRange(); deleted != nil {
			responses = append(responses, answer{"delete": deleted.Deleted})
		} else {
			responses = append(responses, answer{"put": answer{}})
		}
	}
	return answer{"revision": response.Header.Revision, "succeeded": response.Succeeded, "responses": responses}, nil
}

func operations(list [][]string) []clientv3.Op {
	var result []clientv3.Op
	for _, one := range list {
		switch one[0] {
		case "put":
			result = append(result, clientv3.OpPut(one[1], one[2]))
		case "get":
			result = append(result, clientv3.OpGet(one[1]))
		default:
			result = append(result, clientv3.OpDelete(one[1]))
		}
	}
	return result
}

func (d *driver) lease(ctx context.Context, s step) (answer, error) {
	name, _ := s.Lease.(string)
	switch s.Op {
	case "grant":
		response, err := d.client.Grant(ctx, s.TTL)
		if err != nil {
			return nil, err
		}
		d.ids[name] = response.ID
		d.names[int64(response.ID)] = name
		return answer{"ttl": response.TTL}, nil
	case "keepAlive":
		response, err := d.client.KeepAliveOnce(ctx, d.leaseOf(s))
		if err != nil {
			return nil, err
		}
		return answer{"ttl": response.TTL}, nil
	case "timeToLive":
		response, err := d.client.TimeToLive(ctx, d.leaseOf(s), clientv3.WithAttachedKeys())
		if err != nil {
			return nil, err
		}
		keys := []string{}
		for _, key := range response.Keys {
			keys = append(keys, string(key))
		}
		sort.Strings(keys)
		return answer{"granted": response.GrantedTTL, "keys": keys, "isAlive": response.TTL > 0}, nil
	case "revoke":
		_, err := d.client.Revoke(ctx, d.leaseOf(s))
		return answer{}, err
	}
	return nil, fmt.Errorf("no operation %s", s.Op)
}

func (d *driver) watch(s step) (answer, error) {
	ctx, cancel := context.WithCancel(context.Background())
	options := []clientv3.OpOption{clientv3.WithRev(s.Rev), clientv3.WithCreatedNotify()}
	if s.Prefix {
		options = append(options, clientv3.WithPrefix())
	}
	if s.Prev {
		options = append(options, clientv3.WithPrevKV())
	}
	responses := d.client.Watch(ctx, s.Key, options...)
	first, ok := <-responses
	if !ok || !first.Created {
		cancel()
		return nil, fmt.Errorf("the watch was not created: %v", first.Err())
	}
	events := make(chan *clientv3.Event, 1000)
	go func() {
		for response := range responses {
			for _, event := range response.Events {
				events <- event
			}
		}
	}()
	d.watches[s.Name] = openWatch{cancel: cancel, events: events}
	return answer{}, nil
}

func (d *driver) collect(s step) answer {
	events := []answer{}
	late := time.After(eventsWithin)
	for len(events) < s.Count {
		select {
		case event := <-d.watches[s.Name].events:
			one := answer{"type": event.Type.String(), "kv": d.kv(event.Kv)}
			if event.PrevKv != nil {
				one["prev"] = d.kv(event.PrevKv)
			}
			events = append(events, one)
		case <-late:
			return answer{"events": events}
		}
	}
	return answer{"events": events}
}

func (d *driver) kv(kv *mvccpb.KeyValue) answer {
	name, ok := d.names[kv.Lease]
	if !ok {
		name = "(unknown)"
	}
	return answer{"key": string(kv.Key), "value": string(kv.Value), "create": kv.CreateRevision, "mod": kv.ModRevision, "version": kv.Version, "lease": name}
}

func (d *driver) kvs(list []*mvccpb.KeyValue) []answer {
	result := []answer{}
	for _, one := range list {
		result = append(result, d.kv(one))
	}
	return result
}
