/** `tidegate product …` */
import type { Command } from 'commander'
import type { Product } from '../../../core/domain/registry.ts'
import { pathTo } from '../api-client.ts'
import { action, type Client, clientCommand, list, show, subcommand } from '../client.ts'
import { when } from '../table.ts'
import { processTerminal, type Terminal } from '../terminal.ts'

interface ProductOptions {
  readonly name?: string
  readonly productKey?: string
  readonly validation?: string
}

const VALIDATION = 'none, weak or strong: how reported values are held against the thing model'

export function addProductCommands(program: Command, terminal: Terminal = processTerminal): void {
  const product = clientCommand(program, 'product', 'Products: what devices of one kind share')
  product.addHelpText(
    'after',
    '\nExamples:\n  tidegate product create --name "Heat meter"\n  tidegate product list --json',
  )

  subcommand(product, 'create', 'Create a product')
    .option('--name <name>', '1 to 64 characters; its key where absent')
    .option('--product-key <key>', '11 letters and digits; made where absent')
    .option('--validation <mode>', VALIDATION)
    .action(
      action(terminal, async (client, { name, productKey, validation }: ProductOptions) => {
        const body = { name, productKey, validation }
        showProduct(client, await client.api.post<Product>('/products', body))
      }),
    )

  subcommand(product, 'list', 'List all products').action(
    action(terminal, (client) =>
      list(
        client,
        client.api.items<Product>('/products'),
        ['PRODUCT KEY', 'NAME', 'VALIDATION', 'CREATED'],
        (p) => [p.productKey, p.name, p.validation, when(p.createdAt)],
      ),
    ),
  )

  subcommand(product, 'show <product>', 'Show a product').action(
    action(terminal, async (client, key: string) => {
      showProduct(client, await client.api.get<Product>(pathTo('products', key)))
    }),
  )

  subcommand(product, 'update <product>', 'Change its name or validation')
    .option('--name <name>', '1 to 64 characters')
    .option('--validation <mode>', VALIDATION)
    .action(
      action(terminal, async (client, key: string, { name, validation }: ProductOptions) => {
        const body = { name, validation }
        showProduct(client, await client.api.patch<Product>(pathTo('products', key), body))
      }),
    )

  subcommand(product, 'delete <product>', 'Remove a product that has no devices').action(
    action(terminal, async (client, key: string) => {
      showProduct(client, await client.api.delete<Product>(pathTo('products', key)))
    }),
  )
}

function showProduct(client: Client, product: Product): void {
  show(client, product, { ...product, createdAt: when(product.createdAt) })
}
