//! The services as tonic mounts them: each method goes to its one function.

use std::pin::Pin;

use futures::Stream;
use tonic::Status;

/// What a method answers as a stream.
pub type Answers<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

/// Implements a service's trait for a type of its own: `methods! { GreetService for Rpc.engine, wire:
/// greet(GreetRequest) -> GreetResponse = greetings::greet; … }`, where `Rpc.engine` is the
/// [`Backend`](crate::Backend) and `wire` the module of the messages.
///
/// Sends each method to its function: unary ones, those with a stream in (`<<`), those with a stream
/// out (`>>`).
#[macro_export]
macro_rules! methods {
    (
        $service:ident for $rpc:ident.$backend:ident, $wire:ident:
        $($method:ident($request:ident) -> $response:ident = $function:path;)+
        $(<< $in_method:ident($in_request:ident) -> $in_response:ident = $in_function:path;)*
        $(>> $out_method:ident($out_request:ident) -> $out:ident($answer:ident) = $out_function:path;)*
    ) => {
        #[::tonic::async_trait]
        impl $service for $rpc {
            $(type $out = $crate::rpc::Answers<$wire::$answer>;

            async fn $out_method(
                &self,
                request: ::tonic::Request<$wire::$out_request>,
            ) -> Result<::tonic::Response<Self::$out>, ::tonic::Status> {
                $out_function(&self.$backend, request).await
            })*
            $(async fn $in_method(
                &self,
                request: ::tonic::Request<::tonic::Streaming<$wire::$in_request>>,
            ) -> Result<::tonic::Response<$wire::$in_response>, ::tonic::Status> {
                $in_function(&self.$backend, request).await
            })*
            $(async fn $method(
                &self,
                request: ::tonic::Request<$wire::$request>,
            ) -> Result<::tonic::Response<$wire::$response>, ::tonic::Status> {
                $function(&self.$backend, request).await
            })+
        }
    };
}
