// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Example",
    dependencies: [.package(name: "PullPush", path: "../..")],
    targets: [
        .executableTarget(name: "Example", dependencies: [.product(name: "PullPush", package: "PullPush")])
    ]
)
