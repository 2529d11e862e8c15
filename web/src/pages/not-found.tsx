import { Button, Stack } from "@chakra-ui/react";
import { Compass } from "lucide-react";
import { Link } from "react-router";
import { Empty, usePageTitle } from "../components/bits";

export default function NotFound() {
  usePageTitle("Not found");
  return (
    <Stack flex="1" justify="center" minHeight="80vh">
      <Empty icon={<Compass size={20} />} title="There is no page here" text="The address may be mistyped, or what it named is gone.">
        <Button size="sm" asChild><Link to="/sessions">To your sessions</Link></Button>
      </Empty>
    </Stack>
  );
}
