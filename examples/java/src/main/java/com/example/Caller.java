package com.example;

import com.google.gson.Gson;
import com.google.rpc.ErrorInfo;
import com.orders.v1.Address;
import com.orders.v1.CreateOrderRequest;
import com.orders.v1.ListOrdersRequest;
import com.orders.v1.ListOrdersResponse;
import com.orders.v1.NewOrderItem;
import com.orders.v1.Order;
import com.orders.v1.OrderServiceGrpc;
import com.orders.v1.OrderServiceGrpc.OrderServiceBlockingStub;
import com.orders.v1.PaymentMethod;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Creates an order that is safe to repeat, lists orders over a break, and takes an error apart: Caller TARGET SERVICE_CONFIG */
public final class Caller {
  private static final int ATTEMPTS = 8;

  private final OrderServiceBlockingStub orders;

  private Caller(OrderServiceBlockingStub orders) {
    this.orders = orders;
  }

  /** The reason and the metadata of a failed call; empty if it did not reach the service. */
  private static ErrorInfo explain(StatusRuntimeException error) {
    com.google.rpc.Status status = StatusProto.fromThrowable(error);
    for (com.google.protobuf.Any detail : status.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        try {
          return detail.unpack(ErrorInfo.class);
        } catch (com.google.protobuf.InvalidProtocolBufferException damaged) {
          break;
        }
      }
    }
    return ErrorInfo.getDefaultInstance();
  }

  private static boolean isTransient(StatusRuntimeException error) {
    Status.Code code = error.getStatus().getCode();
    return code == Status.Code.UNAVAILABLE
        || code == Status.Code.DEADLINE_EXCEEDED
        || explain(error).getReason().equals("IDEMPOTENCY_IN_PROGRESS");
  }

  /** Sends an order until its outcome is known. The request id makes that safe. */
  private Order create(CreateOrderRequest order) throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try {
        return orders.createOrder(order);
      } catch (StatusRuntimeException error) {
        if (attempt == ATTEMPTS || !isTransient(error)) {
          throw error;
        }
        Thread.sleep((long) (Math.random() * 100 * (1 << attempt)));
      }
    }
  }

  /** Hands out the messages of a list while they are wanted; a stream that breaks continues behind the last message. */
  private void list(ListOrdersRequest.Builder request, Predicate<ListOrdersResponse> wanted) {
    for (int failures = 0; ; ) {
      Context.CancellableContext context = Context.current().withCancellation();
      Context before = context.attach();
      try {
        var messages = orders.listOrders(request.build());
        while (messages.hasNext()) {
          ListOrdersResponse message = messages.next();
          failures = 0;
          boolean goesOn = wanted.test(message);
          if (!message.getResumeToken().isEmpty()) {
            request.setResumeToken(message.getResumeToken());
          }
          if (!goesOn || message.getComplete() || message.getLimitReached()) {
            return;
          }
        }
      } catch (StatusRuntimeException error) {
        if (++failures == ATTEMPTS || !isTransient(error)) {
          throw error;
        }
      } finally {
        context.detach(before);
        context.cancel(null);
      }
    }
  }

  private void run() throws InterruptedException {
    CreateOrderRequest order =
        CreateOrderRequest.newBuilder()
            .setRequestId("example-java")
            .setCustomerId("jane")
            .addItems(NewOrderItem.newBuilder().setProductId("mug").setQuantity(1))
            .setShippingAddress(
                Address.newBuilder()
                    .setStreet("123 Main St")
                    .setCity("New York")
                    .setState("NY")
                    .setPostalCode("10001")
                    .setCountry("US"))
            .setPaymentMethod(PaymentMethod.PAYMENT_METHOD_CASH_ON_DELIVERY)
            .build();
    Order created = create(order);
    Order again = create(order);
    System.out.println("created " + created.getStatus() + (again.getOrderId().equals(created.getOrderId()) ? " again" : " anew"));

    List<String> seen = new ArrayList<>();
    ListOrdersRequest.Builder request = ListOrdersRequest.newBuilder().setPageSize(1);
    list(request, message -> {
      message.getOrdersList().forEach(listed -> seen.add(listed.getOrderId()));
      return false;
    });
    list(request, message -> {
      message.getOrdersList().forEach(listed -> seen.add(listed.getOrderId()));
      return true;
    });
    System.out.println("listed " + seen.contains(created.getOrderId()) + " repeated " + (seen.size() - new HashSet<>(seen).size()));

    try {
      create(order.toBuilder().setRequestId("example-java-2").setItems(0, order.getItems(0).toBuilder().setProductId("nothing")).build());
    } catch (StatusRuntimeException error) {
      ErrorInfo info = explain(error);
      System.out.println("refused " + info.getReason() + " " + info.getMetadataMap().get("product_id"));
    }
  }

  public static void main(String[] arguments) throws Exception {
    // Deadlines and retries of reads.
    Map<String, ?> config = new Gson().fromJson(Files.readString(Path.of(arguments[1])), Map.class);
    ManagedChannel channel =
        Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).defaultServiceConfig(config).build();
    try {
      new Caller(OrderServiceGrpc.newBlockingStub(channel)).run();
    } finally {
      channel.shutdownNow();
    }
  }
}
