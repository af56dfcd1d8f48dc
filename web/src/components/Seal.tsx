/** The mark of the product. */
export function Seal({ size = 22 }: { size?: number }) {
  return <img src="/seal.svg" width={size} height={size} alt="" />;
}
