// Runs gRPC's interop cases against a server, one after the other and then several at once. A case that fails ends the process with its reason.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

type testCase struct {
	name string
	run  func(ctx context.Context, connection *grpc.ClientConn)
}

func onService(run func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) func(context.Context, *grpc.ClientConn) {
	return func(ctx context.Context, connection *grpc.ClientConn) {
		run(ctx, testgrpc.NewTestServiceClient(connection))
	}
}

var cases = []testCase{
	{"empty_unary", onService(interop.DoEmptyUnaryCall)},
	{"large_unary", onService(interop.DoLargeUnaryCall)},
	{"client_streaming", onService(interop.DoClientStreaming)},
	{"server_streaming", onService(interop.DoServerStreaming)},
	{"ping_pong", onService(interop.DoPingPong)},
	{"empty_stream", onService(interop.DoEmptyStream)},
	{"timeout_on_sleeping_server", onService(interop.DoTimeoutOnSleepingServer)},
	{"cancel_after_begin", onService(interop.DoCancelAfterBegin)},
	{"cancel_after_first_response", onService(interop.DoCancelAfterFirstResponse)},
	{"custom_metadata", onService(interop.DoCustomMetadata)},
	{"status_code_and_message", onService(interop.DoStatusCodeAndMessage)},
	{"special_status_message", onService(interop.DoSpecialStatusMessage)},
	{"unimplemented_method", func(ctx context.Context, connection *grpc.ClientConn) {
		interop.DoUnimplementedMethod(ctx, connection)
	}},
	{"unimplemented_service", func(ctx context.Context, connection *grpc.ClientConn) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(connection))
	}},
}

func credentialsFrom(caFile string) credentials.TransportCredentials {
	if caFile == "" {
		return insecure.NewCredentials()
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return credentials.NewTLS(&tls.Config{RootCAs: pool, ServerName: "localhost"})
}

func main() {
	address := flag.String("address", "", "host:port of the server")
	caFile := flag.String("ca", "", "PEM of the authority to trust; empty: no TLS")
	rounds := flag.Int("rounds", 5, "how often all cases run at once")
	flag.Parse()
	connection, err := grpc.NewClient(*address, grpc.WithTransportCredentials(credentialsFrom(*caFile)))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, one := range cases {
		one.run(ctx, connection)
		fmt.Println("ok", one.name)
	}
	for round := 0; round < *rounds; round++ {
		var group sync.WaitGroup
		for _, one := range cases {
			group.Add(1)
			go func() {
				defer group.Done()
				one.run(ctx, connection)
			}()
		}
		group.Wait()
	}
	fmt.Printf("ok all at once, %d rounds\n", *rounds)
}
