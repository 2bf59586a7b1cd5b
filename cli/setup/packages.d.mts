export interface DebianPackage {
  readonly name: string;
  readonly commands?: readonly string[];
  readonly files?: readonly string[];
  readonly purpose: string;
}
export declare const REQUIRED_PACKAGES: readonly DebianPackage[];
export declare const TRANSLATION_PACKAGES: readonly DebianPackage[];
export declare const TEST_PACKAGES: readonly DebianPackage[];
export declare const VULKAN_PACKAGES: readonly DebianPackage[];
export declare const TOOLCHAIN_PACKAGES: readonly DebianPackage[];
export declare const WORKER_BUILD_PACKAGES: readonly DebianPackage[];
export declare function isThere(entry: DebianPackage): boolean;
export declare function missingOf(packages: readonly DebianPackage[]): DebianPackage[];
export declare function installLine(packages: readonly DebianPackage[]): string;
