// Creates an order with retries, resumes a broken list, and reads the details of an error:
// go run . TARGET SERVICE_CONFIG
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"time"

	pb "example.com/order-service/gen/orders/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const attempts = 8

func isTransient(err error) bool {
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded || explain(err).GetReason() == "IDEMPOTENCY_IN_PROGRESS"
}

// explain returns the reason and the metadata of a failed call; nil if it did not reach the service.
func explain(err error) *errdetails.ErrorInfo {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// create sends an order until its outcome is known. The request id makes this safe.
func create(ctx context.Context, client pb.OrderServiceClient, order *pb.CreateOrderRequest) (*pb.Order, error) {
	for attempt := 1; ; attempt++ {
		created, err := client.CreateOrder(ctx, order)
		if err == nil || attempt == attempts || !isTransient(err) {
			return created, err
		}
		time.Sleep(time.Duration(rand.Float64() * float64(100*time.Millisecond) * float64(int(1)<<attempt)))
	}
}

// list passes the messages of a list to handle until it returns false; a broken stream resumes after the last message.
func list(ctx context.Context, client pb.OrderServiceClient, request *pb.ListOrdersRequest, handle func(*pb.ListOrdersResponse) bool) error {
	request = proto.Clone(request).(*pb.ListOrdersRequest)
	for failures := 0; ; {
		finished, err := read(ctx, client, request, func(message *pb.ListOrdersResponse) bool {
			failures = 0
			return handle(message)
		})
		if finished {
			return nil
		}
		if failures++; err != nil && (failures == attempts || !isTransient(err)) {
			return err
		}
	}
}

func read(ctx context.Context, client pb.OrderServiceClient, request *pb.ListOrdersRequest, handle func(*pb.ListOrdersResponse) bool) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.ListOrders(ctx, request)
	for err == nil {
		var message *pb.ListOrdersResponse
		if message, err = stream.Recv(); err != nil {
			break
		}
		wanted := handle(message)
		if message.ResumeToken != "" {
			request.ResumeToken = message.ResumeToken
		}
		if !wanted || message.Complete || message.LimitReached {
			return true, nil
		}
		if message.Truncated {
			return false, nil
		}
	}
	return false, err
}

func main() {
	config, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	connection, err := grpc.NewClient(os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// Deadlines and retries of reads.
		grpc.WithDefaultServiceConfig(string(config)))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	client, ctx := pb.NewOrderServiceClient(connection), context.Background()

	order := &pb.CreateOrderRequest{
		RequestId:  "example-go",
		CustomerId: "jane",
		Items:      []*pb.NewOrderItem{{ProductId: "mug", Quantity: 1}},
		Shipping: &pb.CreateOrderRequest_ShippingAddress{ShippingAddress: &pb.Address{
			Street: "123 Main St", City: "New York", State: "NY", PostalCode: "10001", Country: "US",
		}},
		PaymentMethod: pb.PaymentMethod_PAYMENT_METHOD_CASH_ON_DELIVERY,
	}
	created, err := create(ctx, client, order)
	if err != nil {
		log.Fatal(err)
	}
	again, err := create(ctx, client, order)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("created", created.Status, map[bool]string{true: "again", false: "anew"}[again.OrderId == created.OrderId])

	seen, count := map[string]bool{}, 0
	request := &pb.ListOrdersRequest{PageSize: 1}
	note := func(message *pb.ListOrdersResponse) {
		for _, listed := range message.Orders {
			seen[listed.OrderId], count = true, count+1
		}
		request.ResumeToken = message.ResumeToken
	}
	err = list(ctx, client, request, func(message *pb.ListOrdersResponse) bool { note(message); return false })
	if err == nil {
		err = list(ctx, client, request, func(message *pb.ListOrdersResponse) bool { note(message); return true })
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listed", seen[created.OrderId], "repeated", count-len(seen))

	order.RequestId, order.Items[0].ProductId = "example-go-2", "nothing"
	_, err = create(ctx, client, order)
	info := explain(err)
	fmt.Println("refused", info.GetReason(), info.GetMetadata()["product_id"])
}
